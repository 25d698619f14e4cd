#include "braid/models/vision/hybrid/mobilevit.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/mobilevit_bottleneck.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/block/mobilevit_block.h"

namespace braid::models {
namespace {

constexpr nn::Act kAct = nn::Act::kSilu;

// Blocks of a stage: its inverted residuals and, where there is one, the attention block.
int64_t stage_blocks(const MobileViTConfig& config, size_t stage) {
  return config.depths[stage] + (config.transformer_depths[stage] > 0 ? 1 : 0);
}

void validate(const MobileViTConfig& config) {
  const Validator check("mobilevit");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_chs", config.stem_chs)
      .positive("patch_size", config.patch_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const size_t stages = config.depths.size();
  check
      .same_length("depths", stages,
                   {{"embed_dims", config.embed_dims.size()},
                    {"transformer_depths", config.transformer_depths.size()},
                    {"transformer_dims", config.transformer_dims.size()}})
      .stages("depths", stages)
      .between("num_features", config.num_features, 0, 1'000'000)
      .depth("depths", config.depths);
  for (size_t i = 0; i < stages; ++i) {
    check.positive("embed_dims", config.embed_dims[i])
        .ratio("bottle_ratio", config.bottle_ratio, config.embed_dims[i]);
    if (config.transformer_depths[i] == 0) continue;
    check.depth("transformer_depths", config.transformer_depths[i])
        .positive("transformer_dims", config.transformer_dims[i])
        .ratio("mlp_ratio", config.mlp_ratio, config.transformer_dims[i]);
    if (!config.linear_attention)
      check.divides("num_heads", config.num_heads, "transformer_dims", config.transformer_dims[i]);
  }
}

}  // namespace

void MobileViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the stem");
  v.field("depths", depths, "inverted residuals per stage");
  v.field("embed_dims", embed_dims, "channels per stage");
  v.field("bottle_ratio", bottle_ratio, "hidden channels of an inverted residual per channel");
  v.field("transformer_depths", transformer_depths,
          "layers of the attention block at a stage's end, 0: no such block");
  v.field("transformer_dims", transformer_dims, "channels of a stage's tokens");
  v.field("linear_attention", linear_attention, "MobileViTv2's blocks with linear attention");
  v.field("num_heads", num_heads, "attention heads; linear attention has none");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("patch_size", patch_size, "pixels along one side of a patch");
  v.field("num_features", num_features, "channels of the last convolution, 0: none");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

MobileViT::MobileViT(const MobileViTConfig& config) : ModelOf(config) {
  validate(config);
  stem_ = register_module("stem", nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = config.in_chans,
                                                                        .out_chs = config.stem_chs,
                                                                        .kernel_size = 3,
                                                                        .stride = 2,
                                                                        .act = kAct}));
  std::vector<int64_t> depths;
  for (size_t i = 0; i < config.depths.size(); ++i) depths.push_back(stage_blocks(config, i));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, depths);
  int64_t chans = config.stem_chs;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    stages_.push_back(make_stage(i, chans, rates[i]));
    stages->push_back(stages_.back());
    chans = config.embed_dims[i];
  }
  register_module("stages", stages);
  if (config.num_features > 0)
    final_conv_ = register_module(
        "final_conv", nn::ConvNormAct(nn::ConvNormActConfig{
                          .in_chs = chans, .out_chs = config.num_features, .act = kAct}));
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = num_features(),
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate,
                                                          .init_std = 0.01}));
}

nn::BlockList MobileViT::make_stage(size_t stage, int64_t in_chs,
                                    const std::vector<double>& rates) {
  const int64_t chans = config_.embed_dims[stage], depth = config_.depths[stage];
  nn::BlockList blocks;
  for (int64_t i = 0; i < depth; ++i)
    blocks->push_back(
        BottleneckBlock(BottleneckBlockConfig{.in_chs = i == 0 ? in_chs : chans,
                                              .out_chs = chans,
                                              .stride = i == 0 && stage > 0 ? 2 : 1,
                                              .bottle_ratio = config_.bottle_ratio,
                                              .act = kAct,
                                              .drop_path = rates[static_cast<size_t>(i)]}));
  if (config_.transformer_depths[stage] == 0) return blocks;
  if (config_.linear_attention)
    blocks->push_back(nn::MobileViTV2Block(
        nn::MobileViTV2BlockConfig{.in_chs = chans,
                                   .transformer_dim = config_.transformer_dims[stage],
                                   .transformer_depth = config_.transformer_depths[stage],
                                   .mlp_ratio = config_.mlp_ratio,
                                   .patch_size = config_.patch_size,
                                   .act = kAct,
                                   .attn_drop = config_.attn_drop_rate,
                                   .proj_drop = config_.proj_drop_rate,
                                   .drop_path = rates.back()}));
  else
    blocks->push_back(nn::MobileViTBlock(
        nn::MobileViTBlockConfig{.in_chs = chans,
                                 .transformer_dim = config_.transformer_dims[stage],
                                 .transformer_depth = config_.transformer_depths[stage],
                                 .num_heads = config_.num_heads,
                                 .mlp_ratio = config_.mlp_ratio,
                                 .patch_size = config_.patch_size,
                                 .act = kAct,
                                 .attn_drop = config_.attn_drop_rate,
                                 .proj_drop = config_.proj_drop_rate,
                                 .drop_path = rates.back()}));
  return blocks;
}

torch::Tensor MobileViT::forward_features(const torch::Tensor& x) {
  auto y = stem_->forward(x);
  for (auto& stage : stages_) y = stage->forward(y, checkpointing());
  return final_conv_ ? final_conv_->forward(y) : y;
}

torch::Tensor MobileViT::forward_head(const torch::Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> MobileViT::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = 2;
  for (size_t i = 0; i < config_.depths.size(); ++i) {
    info.push_back({"stages." + std::to_string(i), config_.embed_dims[i], reduction});
    reduction *= 2;
  }
  if (config_.num_features > 0) {
    info.back().module = "final_conv";
    info.back().num_chs = config_.num_features;
  }
  return info;
}

void MobileViT::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t MobileViT::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("final_conv.")) return layer_count() - 2;  // with the last stage
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_mobilevit(Registry& table) {
  // Pixels from 0 to 1, as the authors' networks take them.
  const auto input = [](double crop_pct) {
    data::InputConfig raw = imagenet_input(256, crop_pct);
    raw.mean = {0, 0, 0};
    raw.std = {1, 1, 1};
    return raw;
  };
  const auto add = [&](const char* name, double crop_pct, const MobileViTConfig& config) {
    table.add(make_entry<MobileViT>(name, Family::kHybrid, Fusion::kInterleaved, input(crop_pct),
                                    config));
  };
  add("mobilevit_xxs", 0.9, {});
  add("mobilevit_xs", 0.9,
      {.embed_dims = {32, 48, 64, 80, 96},
       .bottle_ratio = 4.0,
       .transformer_dims = {0, 0, 96, 120, 144},
       .num_features = 384});
  add("mobilevit_s", 0.9,
      {.embed_dims = {32, 64, 96, 128, 160},
       .bottle_ratio = 4.0,
       .transformer_dims = {0, 0, 144, 192, 240},
       .num_features = 640});
  add("mobilevitv2_100", 0.888,
      {.stem_chs = 32,
       .depths = {1, 2, 1, 1, 1},
       .embed_dims = {64, 128, 256, 384, 512},
       .transformer_dims = {0, 0, 128, 192, 256},
       .linear_attention = true,
       .num_features = 0});
}

}  // namespace braid::models
