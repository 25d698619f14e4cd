#include "braid/models/vision/hybrid/vit_hybrid.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

constexpr const char* kVitHybrid = "vit_hybrid";

VisionTransformerConfig body_of(const ViTHybridConfig& config) {
  const Validator check(kVitHybrid);
  check.input(config.num_classes, config.in_chans, config.img_size)
      .divides("32", 32, "stem_chs", config.stem_chs);  // groups of the group norm
  if (config.layers.empty() || config.layers.size() > config.channels.size())
    check.fail("expected at least as many channels as layers, and one of layers");
  check.stages("layers", config.layers.size());
  int64_t side = (config.img_size + 1) / 2, reduction = 2;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    check.depth("layers", config.layers[i]).divides("128", 128, "channels", config.channels[i]);
    side = (side + 1) / 2;
    reduction *= 2;
  }
  return {.num_classes = config.num_classes,
          .grid_size = side,
          .reduction = reduction,
          .embed_dim = config.embed_dim,
          .depth = config.depth,
          .num_heads = config.num_heads,
          .mlp_ratio = config.mlp_ratio,
          .drop_rate = config.drop_rate,
          .proj_drop_rate = config.proj_drop_rate,
          .attn_drop_rate = config.attn_drop_rate,
          .drop_path_rate = config.drop_path_rate};
}

}  // namespace

void ViTHybridConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("layers", layers, "the ResNet's blocks per stage");
  v.field("channels", channels, "the ResNet's channels per stage, multiples of 128");
  v.field("stem_chs", stem_chs, "channels of the ResNet's stem, a multiple of 32");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depth", depth, "Transformer blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ViTHybrid::ViTHybrid(const ViTHybridConfig& config) : ModelOf(config, kVitHybrid, body_of(config)) {
  backbone_ = ResNetV2(ResNetV2Config{.in_chs = config.in_chans,
                                      .layers = config.layers,
                                      .channels = config.channels,
                                      .stem_chs = config.stem_chs});
  proj_ = nn::Pointwise(nn::PointwiseConfig{.in_features = backbone_->num_features(),
                                            .out_features = config.embed_dim,
                                            .layout = nn::WeightLayout::kConv1x1,
                                            .init = nn::PointwiseInit::kTorch});
  auto patch_embed = register_module("patch_embed", std::make_shared<torch::nn::Module>());
  patch_embed->register_module("backbone", backbone_);
  patch_embed->register_module("proj", proj_);
}

torch::Tensor ViTHybrid::embed(const torch::Tensor& x) {
  const auto map = backbone_->forward(x, checkpointing());  // [B,C,h,w]
  return proj_->forward(nn::to_nhwc(map)).flatten(1, 2);    // [B,N,D]
}

void add_vit_hybrid(Registry& table) {
  const auto add = [&table](const char* name, const ViTHybridConfig& config) {
    table.add(make_entry<ViTHybrid>(name, Family::kHybrid, Fusion::kSerial,
                                    inception_input(224, 0.9), config));
  };
  add("vit_small_r26_s32_224", {.layers = {2, 2, 2, 2}, .embed_dim = 384, .num_heads = 6});
  add("vit_base_r50_s16_224", {});
}

}  // namespace braid::models
