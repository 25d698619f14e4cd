#include "braid/models/vision/cnn/airbench.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/head/replace_head.h"

namespace braid::models {
namespace {

constexpr const char* kGroups = "layers.";  // the keys of the groups begin at 1

}  // namespace

void AirbenchConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the first convolution");
  v.field("stem_stride", stem_stride, "its stride, pixels");
  v.field("widths", widths, "channels per group; each halves the map");
  v.field("depth", depth, "convolutions per group");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
}

Airbench::Airbench(const AirbenchConfig& config) : ModelOf(config) {
  Validator("airbench")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_chs", config.stem_chs)
      .between("stem_stride", config.stem_stride, 1, 16)
      .stages("widths", config.widths.size())
      .positive("widths", config.widths)
      .between("depth", config.depth, 1, 16)
      .rate("drop_rate", config.drop_rate);
  groups_ = nn::ConvGroups(nn::ConvGroupsConfig{.in_chs = config.in_chans,
                                                .stem_chs = config.stem_chs,
                                                .stem_stride = config.stem_stride,
                                                .widths = config.widths,
                                                .depth = config.depth});
  for (const auto& child : groups_->named_children()) register_module(child.key(), child.value());
  replace_head(config.num_classes);
}

torch::Tensor Airbench::forward_features(const torch::Tensor& x) {
  return groups_->forward(x, checkpointing());
}

torch::Tensor Airbench::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = features.amax({2, 3});  // [B,D]
  if (pre_logits || !head) return pooled;
  return head->forward(nn::dropout(pooled, config_.drop_rate, is_training()));
}

std::vector<FeatureInfo> Airbench::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = config_.stem_stride;
  for (size_t i = 0; i < config_.widths.size(); ++i)
    info.push_back({kGroups + std::to_string(i + 1), config_.widths[i], reduction *= 2});
  return info;
}

void Airbench::replace_head(int64_t num_classes) {
  nn::replace_head(*this, "head", head, nn::new_head(config_.widths.back(), num_classes));
}

int64_t Airbench::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("head.")) return layer_count() - 1;
  return block_index(parameter, kGroups, 0);
}

void add_airbench(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const AirbenchConfig& config) {
    table.add(make_entry<Airbench>(name, Family::kCnn, Fusion::kNone, input, config));
  };
  const auto small = small_image_input(32), photo = inception_input(64, 1.0);
  add("airbench_nano", small, {.stem_chs = 16, .widths = {16, 32, 64}});
  add("airbench_tiny", small, {.stem_chs = 16, .widths = {32, 64, 128}});
  add("airbench_small", small, {.widths = {64, 128, 128}});
  add("airbench94", small, {});
  add("airbench_nano_64", photo,
      {.img_size = 64, .stem_chs = 16, .stem_stride = 2, .widths = {16, 32, 64}});
  add("airbench_tiny_64", photo,
      {.img_size = 64, .stem_chs = 16, .stem_stride = 2, .widths = {32, 64, 128}});
  add("airbench_small_128", inception_input(128, 1.0),
      {.img_size = 128, .stem_stride = 2, .widths = {32, 64, 128, 256}});
}

}  // namespace braid::models
