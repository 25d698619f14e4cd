// What the program asks of libbraid_openvino.so.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "braid/serve/engine.h"
#include "braid/serve/openvino/openvino_options.h"

namespace braid::serve {

struct OpenVinoModule {
  const char* version;       // braid's; nothing below is looked at where it is another
  std::string (*problem)();  // why OpenVINO cannot compute here; empty where it can
  std::unique_ptr<Engine> (*open)(std::string_view onnx, const OpenVinoOptions& options);
};

}  // namespace braid::serve

extern "C" __attribute__((visibility("default"))) const braid::serve::OpenVinoModule*
braid_openvino_module();
