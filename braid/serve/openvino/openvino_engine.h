// OpenVINO as an engine for exported files. It is no part of the program but a module beside it,
// libbraid_openvino.so, which is loaded when it is first asked for: a program that were linked to
// OpenVINO would not start where its libraries are gone.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "braid/serve/engine.h"
#include "braid/serve/openvino/openvino_options.h"

namespace braid::serve {

// Whether braid was built with it.
bool openvino_built_in();
// Why it cannot be used here; empty where it can.
std::string openvino_missing();

// onnx: the bytes of a file, of float32 or in 8 bits (QDQ), with a free batch, and of texts a free
// length; not needed afterwards. The engine has the file's inputs and outputs, in their order and
// by their names. Throws ConfigError naming `make openvino` where there is no OpenVINO, DataError
// for a file that it cannot read or run.
std::unique_ptr<Engine> open_openvino(std::string_view onnx, const OpenVinoOptions& options = {});

}  // namespace braid::serve
