#include "braid/serve/torch/load_model.h"

#include <ATen/Parallel.h>

#include <utility>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"
#include "braid/serve/onnx/any_engine.h"
#include "braid/serve/onnx/exported_engine.h"
#include "braid/serve/onnx/load_onnx_model.h"
#include "braid/serve/torch/chosen_threads.h"
#include "braid/serve/torch/exported_image_explainer.h"
#include "braid/serve/warm_up.h"

namespace braid::serve {
namespace {

std::unique_ptr<Model> load_checkpoint(const std::string& folder, const ModelOptions& options) {
  const auto kind = models::kind_of_checkpoint(folder);
  if (kind != models::TextEncoder::kKind && kind != models::ImageModel::kKind)
    throw DataError("checkpoint",
                    "expected a classifier of images or of texts, got a model of the kind " + kind,
                    folder);
  if (is_engine_of_files(options.engine) && options.device != "cpu")
    throw ConfigError("serve",
                      "expected the CPU for --engine " + options.engine + ", got " + options.device,
                      "--device", "give --engine libtorch");
  auto model = kind == models::TextEncoder::kKind ? load_text_classifier(folder, options)
                                                  : load_image_classifier(folder, options);
  if (model->platform == kLibTorchPlatform && options.device == "cpu")
    model->engine = with_chosen_threads(std::move(model->engine), options.threads);
  warm_up(*model->engine);
  return model;
}

}  // namespace

std::unique_ptr<Model> load_model(const std::string& source, const ModelOptions& options,
                                  Progress& progress) {
  auto resolved = options;
  if (resolved.threads == 0) resolved.threads = at::get_num_threads();
  if (is_onnx_file(source)) {
    auto explains_images = explain_exported_images(source, resolved);
    auto model = load_onnx_model(source, resolved);
    if (model->prepared.name == "image") model->explainer = std::move(explains_images);
    return model;
  }
  const auto folder = models::find_checkpoint(source, progress).string();
  if (resolved.engine != kAutoEngine) return load_checkpoint(folder, resolved);
  return load_for_any_engine(kLibTorchEngine, resolved, [&](const ModelOptions& named) {
    return load_checkpoint(folder, named);
  });
}

}  // namespace braid::serve
