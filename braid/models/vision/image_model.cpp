#include "braid/models/vision/image_model.h"

#include "braid/core/error.h"

namespace braid::models {

std::string ImageModel::global_pool() const {
  return named_parameters().contains("cls_token") ? "token" : "avg";
}

void ImageModel::whiten_stem(const torch::Tensor&) {
  throw UsageError("models", "this architecture has no first convolution that is made to whiten");
}

std::vector<std::string> ImageModel::input_weights() const {
  constexpr std::string_view kWeight = ".weight";
  const auto modules = named_modules(/*name_prefix=*/"", /*include_self=*/false);
  std::vector<std::string> names;
  for (const auto& item : named_parameters()) {
    const auto& name = item.key();
    if (item.value().dim() != 4 || item.value().size(1) != in_chans() || !name.ends_with(kWeight))
      continue;
    const auto* module = modules.find(name.substr(0, name.size() - kWeight.size()));
    const auto* conv = module ? (*module)->as<torch::nn::Conv2dImpl>() : nullptr;
    if (conv == nullptr || conv->options.groups() == 1) names.push_back(name);
  }
  return names;
}

WeightPlace ImageModel::place_weight(const std::string& in_file) const {
  for (const char* computed : {".relative_position_index", ".attn_mask", ".attention_bias_idxs"})
    if (in_file.ends_with(computed) && !named_buffers().contains(in_file))
      return {in_file, WeightUse::kIgnore};
  return {in_file};
}

std::vector<Part> ImageModel::parts() {
  std::vector<Part> parts;
  for (const auto& info : feature_info()) {
    const int64_t side = (img_size() + info.reduction - 1) / info.reduction;
    parts.push_back({.name = info.module,
                     .text = {},
                     .modules = {info.module},
                     .shape = {info.num_chs, side, side},
                     .run = {}});
  }
  return parts;
}

}  // namespace braid::models
