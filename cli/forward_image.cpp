// braid forward of image models: 'input' to 'logits' and 'features'.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/weights.h"
#include "cli/forward.h"

namespace braid::cli {
namespace {

void set_if_given(Json& overrides, const char* field, const std::optional<int64_t>& value) {
  if (value) overrides[field] = *value;
}

torch::Tensor load_input(const std::string& file) {
  const auto tensors = runtime::load_tensors(file);
  const auto it = tensors.find("input");
  if (it == tensors.end()) throw DataError("forward", "expected a tensor 'input' [B,C,H,W]", file);
  const auto& input = it->second;
  if (input.dim() != 4 || !input.is_floating_point() || input.numel() == 0)
    throw DataError("forward",
                    fmt::format("expected 'input' as float32 [B,C,H,W], got {} [{}]",
                                c10::toString(input.scalar_type()), fmt::join(input.sizes(), ",")),
                    file);
  return input.to(torch::kFloat);
}

// The classifier's size in the weights, where a tensor of that name is.
void infer_num_classes(Json& overrides, const runtime::TensorMap& given,
                       const models::Model& model) {
  const auto weights = models::without_wrapper(given, model);
  const auto it = weights.find(model.head_modules().at(0) + ".weight");
  if (it != weights.end() && it->second.dim() > 0) overrides["num_classes"] = it->second.size(0);
}

class ImageForward final : public ForwardKind {
 public:
  ImageForward(const ForwardOptions& options, const models::ModelEntry& entry)
      : options_(options), entry_(entry) {
    if (options.truncate)
      throw UsageError("forward", "expected no --truncate for an image model", options.model);
  }

  Json fields(const Json& given, const std::filesystem::path& weights,
              const runtime::TensorMap& tensors) override {
    Json overrides = given;
    if (!options_.input.empty()) {
      input_ = load_input(options_.input);
      overrides["in_chans"] = input_.size(1);
      overrides["img_size"] = std::max(input_.size(2), input_.size(3));
    }
    if (!weights.empty() && !options_.num_classes)
      infer_num_classes(overrides, tensors, *entry_.make(Json::object()));
    set_if_given(overrides, "num_classes", options_.num_classes);
    set_if_given(overrides, "in_chans", options_.in_chans);
    set_if_given(overrides, "img_size", options_.img_size);
    if (input_.defined() && overrides.value("in_chans", int64_t{0}) != input_.size(1))
      throw DataError(
          "forward",
          fmt::format("expected {} channels, got {}", overrides["in_chans"].dump(), input_.size(1)),
          options_.input, "leave --in-chans out");
    return overrides;
  }

  void save(const models::Model& model, const std::filesystem::path& folder,
            uint64_t max_shard_size) const override {
    const auto& image = dynamic_cast<const models::ImageModel&>(model);
    models::save_model(image, models::make_image_hub_config(options_.model, image), folder,
                       max_shard_size);
  }

  runtime::TensorMap run(models::Model& model, torch::Device device,
                         torch::ScalarType type) const override {
    auto& image = dynamic_cast<models::ImageModel&>(model);
    const auto input = input_.to(device, type).contiguous(at::MemoryFormat::ChannelsLast);
    const auto features = image.forward_features(input);
    return {{"features", features}, {"logits", image.forward_head(features)}};
  }

 private:
  const ForwardOptions& options_;
  models::ModelEntry entry_;
  torch::Tensor input_;  // [B,C,H,W]
};

}  // namespace

std::unique_ptr<ForwardKind> make_image_forward(const ForwardOptions& options,
                                                const models::ModelEntry& entry) {
  return std::make_unique<ImageForward>(options, entry);
}

}  // namespace braid::cli
