#include "braid/serve/onnx/exported_engine.h"

#include "braid/core/error.h"
#include "braid/serve/onnx/runner_engine.h"
#include "braid/serve/openvino/openvino_engine.h"

namespace braid::serve {
namespace {

void open_by_openvino(std::string_view onnx, const ModelOptions& options, int64_t pad_token_id,
                      const std::string& where, Model& model) {
  model.engine = open_openvino(onnx, {.threads = options.threads,
                                      .dtype = options.dtype,
                                      .pad_token_id = pad_token_id,
                                      .where = where});
  model.platform = kOpenVinoPlatform;
}

void open_by_braid_run(std::string_view onnx, const ModelOptions& options, int64_t pad_token_id,
                       const std::string& where, Model& model) {
  if (options.dtype == "bfloat16")
    throw ConfigError("serve", "expected float32 for braid-run, got " + options.dtype, "--dtype",
                      "leave it out, or give --engine openvino");
  model.engine =
      open_runner(onnx, {.threads = options.threads, .pad_token_id = pad_token_id, .where = where});
  model.platform = kBraidRunPlatform;
}

}  // namespace

bool is_engine_of_files(const std::string& engine) {
  return engine == kOpenVinoEngine || engine == kBraidRunEngine;
}

void open_exported(std::string_view onnx, const ModelOptions& options, int64_t pad_token_id,
                   const std::string& where, Model& model) {
  if (options.device != "cpu")
    throw ConfigError("serve", "expected the CPU for an exported model, got " + options.device,
                      "--device", "give a checkpoint and --engine libtorch");
  if (options.engine == kOpenVinoEngine)
    open_by_openvino(onnx, options, pad_token_id, where, model);
  else if (options.engine == kBraidRunEngine)
    open_by_braid_run(onnx, options, pad_token_id, where, model);
  else
    throw ConfigError("serve",
                      "expected an engine of exported files, got --engine " + options.engine, where,
                      "serve the checkpoint, or leave the flag out");
}

}  // namespace braid::serve
