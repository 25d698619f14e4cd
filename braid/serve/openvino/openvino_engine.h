// OpenVINO as an engine for exported files. It is no part of the program but a module beside it,
// which is loaded when the first engine is asked for: a program starts as fast as before, and
// starts where OpenVINO is gone.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "braid/serve/engine.h"

namespace braid::serve {

struct OpenVinoOptions {
  int64_t threads = 0;             // that compute; 0: one per processor that the process may use
  std::string dtype = "float32";   // of what is not in 8 bits; bfloat16 where processors have it
  std::string where = "the file";  // in errors
};

// Why there is no OpenVINO here; empty where there is.
std::string openvino_missing();

// onnx: the bytes of a file, of float32 or in 8 bits (QDQ), with a free batch, and of texts a free
// length; not needed afterwards. The engine has the file's inputs and outputs, in their order and
// by their names. Throws ConfigError naming `make openvino` where there is no OpenVINO, DataError
// for a file that it cannot read or run.
std::unique_ptr<Engine> open_openvino(std::string_view onnx, const OpenVinoOptions& options = {});

}  // namespace braid::serve
