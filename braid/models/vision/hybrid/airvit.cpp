#include "braid/models/vision/hybrid/airvit.h"

#include <algorithm>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/max_pool.h"

namespace braid::models {
namespace {

constexpr const char* kAirVit = "airvit";

nn::ConvGroupsConfig groups_of(const AirViTConfig& config) {
  return {.in_chs = config.in_chans,
          .stem_chs = config.stem_chs,
          .stem_stride = config.stem_stride,
          .widths = config.widths};
}

VisionTransformerConfig body_of(const AirViTConfig& config) {
  Validator(kAirVit)
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_chs", config.stem_chs)
      .between("stem_stride", config.stem_stride, 1, 16)
      .stages("widths", config.widths.size())
      .positive("widths", config.widths);
  const auto groups = groups_of(config);
  const int64_t side = groups.grid_size(config.img_size), pooling = config.pool ? 2 : 1;
  return {.num_classes = config.num_classes,
          .grid_size = std::max<int64_t>(1, side / pooling),
          .reduction = groups.reduction() * pooling,
          .embed_dim = config.widths.back(),
          .depth = config.depth,
          .num_heads = config.num_heads,
          .mlp_ratio = config.mlp_ratio,
          .class_token = false,
          .drop_rate = config.drop_rate,
          .proj_drop_rate = config.proj_drop_rate,
          .attn_drop_rate = config.attn_drop_rate,
          .drop_path_rate = config.drop_path_rate};
}

}  // namespace

void AirViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the first convolution");
  v.field("stem_stride", stem_stride, "its stride, pixels");
  v.field("widths", widths, "channels per convolution group; each halves the map");
  v.field("depth", depth, "Transformer blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("pool", pool, "whether the last map is pooled by two once more");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

AirViT::AirViT(const AirViTConfig& config) : ModelOf(config, kAirVit, body_of(config)) {
  backbone_ = nn::ConvGroups(groups_of(config));
  auto patch_embed = register_module("patch_embed", std::make_shared<torch::nn::Module>());
  patch_embed->register_module("backbone", backbone_);
}

torch::Tensor AirViT::embed(const torch::Tensor& x) {
  auto map = backbone_->forward(x, checkpointing());  // [B,D,h,w]
  if (config_.pool && map.size(2) > 1) map = nn::max_halve(map);
  return map.flatten(2).transpose(1, 2);  // [B,N,D]
}

void add_airvit(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const AirViTConfig& config) {
    table.add(make_entry<AirViT>(name, Family::kHybrid, Fusion::kSerial, input, config));
  };
  const auto small = small_image_input(32);
  add("airvit_nano", small, {});
  add("airvit_tiny", small,
      {.stem_chs = 24, .widths = {64, 128, 192}, .depth = 1, .num_heads = 6, .pool = false});
  add("airvit_small", small,
      {.stem_chs = 24, .widths = {64, 256, 256}, .depth = 2, .num_heads = 8, .pool = false});
  add("airvit_nano_64", inception_input(64, 1.0),
      {.img_size = 64, .stem_stride = 2, .widths = {32, 64, 96}});
}

}  // namespace braid::models
