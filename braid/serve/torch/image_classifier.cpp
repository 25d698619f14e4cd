// A classifier of images as a model that is served: `image` BYTES [N] or `pixel_values` FP32
// [N,C,H,W].
#include <utility>

#include "braid/core/error.h"
#include "braid/data/image/image_collate.h"
#include "braid/io/image.h"
#include "braid/runtime/device.h"
#include "braid/serve/protocol/content_coding.h"
#include "braid/serve/torch/load_torch_model.h"
#include "braid/serve/torch/torch_tensor.h"
#include "braid/tasks/predictor.h"

namespace braid::serve {
namespace {

class ImageEngine final : public Engine {
 public:
  explicit ImageEngine(tasks::Predictor predictor) : predictor_(std::move(predictor)) {
    const auto& input = predictor_.card().input;
    inputs_ = {{.name = data::kPixelValues,
                .type = DataType::kFp32,
                .shape = {-1, input.channels, input.height, input.width}}};
    outputs_ = {{.name = "logits",
                 .type = DataType::kFp32,
                 .shape = {-1, predictor_.model().num_classes()}}};
  }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    auto pixels = to_torch(batch.front());
    if (pixels.size(1) > 1) pixels = pixels.contiguous(torch::MemoryFormat::ChannelsLast);
    const auto logits =
        predictor_.logits({.tensors = {{data::kPixelValues, pixels}},
                           .indices = std::vector<int64_t>(static_cast<size_t>(pixels.size(0)))});
    return {from_torch("logits", logits)};
  }
  const models::ImageHubConfig& card() const { return predictor_.card(); }

 private:
  tasks::Predictor predictor_;
  std::vector<TensorSpec> inputs_, outputs_;
};

class ImagePreparation final : public Preparation {
 public:
  ImagePreparation(data::InputConfig input, int64_t max_pixels)
      : input_(std::move(input)), max_pixels_(max_pixels) {}
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<torch::Tensor> rows;
    for (size_t i = 0; i < input.elements.size(); ++i) {
      const auto element = input.elements[i];
      // JSON has no bytes.
      const auto decoded = input.written_as_json ? decode_base64(element) : std::string();
      const std::string_view bytes = input.written_as_json ? decoded : element;
      const auto image =
          io::decode_image(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                           "image[" + std::to_string(i) + "]", {.max_pixels = max_pixels_});
      rows.push_back(data::stack_images({image}, input_));
    }
    return {from_torch(data::kPixelValues, torch::cat(rows).contiguous())};
  }

 private:
  const data::InputConfig input_;
  const int64_t max_pixels_;
};

}  // namespace

std::unique_ptr<Model> load_image_classifier(const std::string& folder,
                                             const TorchOptions& options) {
  auto engine = std::make_unique<ImageEngine>(tasks::Predictor(
      models::load_for_inference(folder), runtime::resolve_device(options.device), options.dtype));
  auto model = std::make_unique<Model>();
  model->platform = "braid_libtorch";
  model->prepared = {.name = "image", .type = DataType::kBytes, .shape = {-1}};
  model->preparation = std::make_unique<ImagePreparation>(engine->card().input, options.max_pixels);
  model->classes = engine->card().classes;
  model->engine = std::move(engine);
  return model;
}

}  // namespace braid::serve
