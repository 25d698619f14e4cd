#include "braid/serve/torch/load_torch_model.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"

namespace braid::serve {
namespace {

// What is broken shows now, and the first request is as fast as the others.
void warm_up(Engine& engine) {
  std::vector<Tensor> inputs;
  for (const auto& spec : engine.inputs()) {
    auto shape = spec.shape;
    for (auto& size : shape)
      if (size < 0) size = 1;
    const auto count = static_cast<size_t>(count_of(shape).value_or(0));
    // An attention mask without tokens would make a softmax of nothing: ones are valid tokens too.
    inputs.push_back(spec.type == DataType::kInt64
                         ? make_tensor(spec.name, spec.type, shape, std::vector<int64_t>(count, 1))
                         : make_tensor(spec.name, spec.type, shape, std::vector<float>(count, 0)));
  }
  for (const auto& output : engine.infer(inputs))
    if (!is_finite(output))
      throw DataError("checkpoint", "the model's output is not finite", output.name,
                      "its training diverged; take an earlier one of its checkpoints");
}

}  // namespace

std::unique_ptr<Model> load_torch_model(const std::string& source, const TorchOptions& options,
                                        Progress& progress) {
  const auto folder = models::find_checkpoint(source, progress);
  const auto kind = models::kind_of_checkpoint(folder);
  if (kind != models::TextEncoder::kKind && kind != models::ImageModel::kKind)
    throw DataError("checkpoint",
                    "expected a classifier of images or of texts, got a model of the kind " + kind,
                    folder.string());
  auto model = kind == models::TextEncoder::kKind ? load_text_classifier(folder.string(), options)
                                                  : load_image_classifier(folder.string(), options);
  warm_up(*model->engine);
  return model;
}

}  // namespace braid::serve
