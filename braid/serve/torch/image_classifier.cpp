// A classifier of images as a model that is served: `image` BYTES [N] or `pixel_values` FP32
// [N,C,H,W].
#include <optional>
#include <string>
#include <utility>

#include "braid/data/image/image_collate.h"
#include "braid/export/image_graph.h"
#include "braid/models/product_weights.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/serve/onnx/exported_engine.h"
#include "braid/serve/people_input.h"
#include "braid/serve/torch/checkpoint_explainer.h"
#include "braid/serve/torch/fused_graph.h"
#include "braid/serve/torch/load_model.h"
#include "braid/serve/torch/torch_tensor.h"
#include "braid/serve/torch/within_memory.h"
#include "braid/tasks/predictor.h"

namespace braid::serve {
namespace {

class ImageEngine final : public Engine {
 public:
  // dtype: resolved.
  ImageEngine(models::LoadedModel loaded, const torch::Device& device, std::string dtype)
      : device_(device), dtype_(std::move(dtype)) {
    const auto& input = loaded.hub.input;
    inputs_ = {{.name = data::kPixelValues,
                .type = DataType::kFp32,
                .shape = {-1, input.channels, input.height, input.width}}};
    outputs_ = {
        {.name = "logits", .type = DataType::kFp32, .shape = {-1, loaded.model->num_classes()}}};
    if (device.is_cpu()) fused_ = fused_graph(loaded, dtype_);
    if (fused_.run) return;
    predictor_.emplace(std::move(loaded), device, dtype_);
    models::keep_product_weights(predictor_->model(), runtime::product_type(dtype_));
  }
  // Why operators are called one by one; may be empty.
  const std::string& problem() const { return fused_.problem; }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    auto pixels = to_torch(batch.front());
    if (pixels.size(1) > 1) pixels = pixels.contiguous(torch::MemoryFormat::ChannelsLast);
    return {from_torch("logits", within_memory([&] { return logits(pixels); }))};
  }

 private:
  torch::Tensor logits(const torch::Tensor& pixels) const {
    if (!fused_.run)
      return predictor_->logits(
          {.tensors = {{data::kPixelValues, pixels}},
           .indices = std::vector<int64_t>(static_cast<size_t>(pixels.size(0)))});
    const torch::NoGradGuard no_grad;
    const runtime::Autocast autocast(device_.type(), dtype_);
    return (*fused_.run)({pixels}).at(0).to(torch::kFloat);
  }

  const torch::Device device_;
  const std::string dtype_;
  FusedGraph fused_;
  std::optional<tasks::Predictor> predictor_;  // of what cannot be captured, and on other devices
  std::vector<TensorSpec> inputs_, outputs_;
};

class ImagePreparation final : public Preparation {
 public:
  ImagePreparation(data::InputConfig input, int64_t max_pixels)
      : input_(std::move(input)), max_pixels_(max_pixels) {}
  int64_t working_bytes(const Tensor& input) const override {
    return decoding_bytes(input, max_pixels_);
  }
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<torch::Tensor> rows;
    for (size_t i = 0; i < input.elements.size(); ++i)
      rows.push_back(data::stack_images({image_of(input, i, max_pixels_)}, input_));
    return {from_torch(data::kPixelValues, torch::cat(rows).contiguous())};
  }

 private:
  const data::InputConfig input_;
  const int64_t max_pixels_;
};

}  // namespace

std::unique_ptr<Model> load_image_classifier(const std::string& folder,
                                             const ModelOptions& options) {
  auto explainer = explain_images_of(folder, options);
  auto loaded = models::load_for_inference(folder);
  tasks::expect_classifier_of_images(loaded);
  auto model = std::make_unique<Model>();
  model->prepared = {.name = "image", .type = DataType::kBytes, .shape = {-1}};
  model->preparation = std::make_unique<ImagePreparation>(loaded.hub.input, options.max_pixels);
  model->classes = loaded.hub.classes;
  model->explainer = std::move(explainer);
  if (is_engine_of_files(options.engine)) {
    const auto onnx = onnx::export_onnx(onnx::make_image_graph(loaded).graph,
                                        onnx::onnx_options(loaded.hub, false));
    open_exported(onnx, options, 0, folder, *model);
  } else {
    const auto device = runtime::resolve_device(options.device);
    const auto dtype = runtime::resolve_dtype(options.dtype, device.type());
    model->platform = kLibTorchPlatform;
    auto engine = std::make_unique<ImageEngine>(std::move(loaded), device, dtype);
    if (!engine->problem().empty()) model->remark = "not fused: " + engine->problem();
    model->engine = std::move(engine);
  }
  return model;
}

}  // namespace braid::serve
