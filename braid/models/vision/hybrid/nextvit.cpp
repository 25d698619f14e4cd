#include "braid/models/vision/hybrid/nextvit.h"

#include <fmt/format.h>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/nextvit_blocks.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {
namespace {

using torch::Tensor;

void validate(const NextViTConfig& config) {
  const Validator check("nextvit");
  const size_t stages = config.depths.size();
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("head_dim", config.head_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", stages,
                   {{"strides", config.strides.size()},
                    {"sr_ratios", config.sr_ratios.size()},
                    {"conv_chs", config.conv_chs.size()},
                    {"transformer_chs", config.transformer_chs.size()},
                    {"transformer_period", config.transformer_period.size()}})
      .stages("depths", stages)
      .positive("stem_chs", config.stem_chs)
      .depth("depths", config.depths)
      .positive("sr_ratios", config.sr_ratios);
  if (config.stem_chs.size() != 3) check.fail("expected three numbers in stem_chs");
  if (!(config.mix_block_ratio > 0 && config.mix_block_ratio < 1))
    check.fail(fmt::format("expected 0 < mix_block_ratio < 1, got {}", config.mix_block_ratio));
  for (size_t i = 0; i < stages; ++i) {
    check.divides("head_dim", config.head_dim, "conv_chs", config.conv_chs[i])
        .between("strides", config.strides[i], 1, 2)
        .between("transformer_period", config.transformer_period[i], 0, 1'000'000);
    const int64_t chans = config.transformer_chs[i];
    if (chans == 0) continue;
    check.positive("transformer_chs", chans);
    const NextBlockConfig block{.out_chs = chans, .mix_block_ratio = config.mix_block_ratio};
    const int64_t attention = block.attention_chs();
    if (attention >= chans)
      check.fail(fmt::format("expected transformer_chs above {}, attention's part, got {}",
                             attention, chans));
    check.divides("head_dim", config.head_dim, "attention's part of transformer_chs", attention)
        .divides("head_dim", config.head_dim, "the rest of transformer_chs", chans - attention);
  }
}

}  // namespace

void NextViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the stem's convolutions, the last one twice");
  v.field("depths", depths, "blocks per stage");
  v.field("strides", strides, "of the stages, 1 or 2");
  v.field("sr_ratios", sr_ratios, "per stage: this number's square of tokens make one key");
  v.field("conv_chs", conv_chs, "channels of each stage's convolution blocks");
  v.field("transformer_chs", transformer_chs,
          "channels of each stage's Transformer blocks, 0: none");
  v.field("transformer_period", transformer_period,
          "a Transformer block every so many blocks and at the stage's end, 0: only there");
  v.field("head_dim", head_dim, "channels per attention head or group");
  v.field("mix_block_ratio", mix_block_ratio, "part of a Transformer block's channels: attention");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

bool NextViT::is_transformer(size_t stage, int64_t block) const {
  if (config_.transformer_chs[stage] == 0) return false;
  const int64_t period = config_.transformer_period[stage];
  return block + 1 == config_.depths[stage] || (period > 0 && (block + 1) % period == 0);
}

NextViT::NextViT(const NextViTConfig& config) : ModelOf(config) {
  validate(config);
  int64_t chans = config.in_chans;
  const auto& widths = config.stem_chs;
  for (const auto& [width, stride] :
       {std::pair{widths[0], 2}, {widths[1], 1}, {widths[2], 1}, {widths[2], 2}}) {
    stem_->push_back(nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = chans,
                                                           .out_chs = width,
                                                           .kernel_size = 3,
                                                           .stride = stride,
                                                           .act = nn::Act::kRelu,
                                                           .norm_key = "norm"}));
    chans = width;
  }
  register_module("stem", stem_);

  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  int64_t reduction = 4;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    nn::BlockList blocks;
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const bool transformer = is_transformer(i, j);
      const NextBlockConfig block{
          .in_chs = chans,
          .out_chs = transformer ? config.transformer_chs[i] : config.conv_chs[i],
          .stride = j == 0 ? config.strides[i] : 1,
          .head_dim = config.head_dim,
          .sr_ratio = config.sr_ratios[i],
          .mix_block_ratio = config.mix_block_ratio,
          .attn_drop = config.attn_drop_rate,
          .proj_drop = config.proj_drop_rate,
          .drop_path = rates[i][static_cast<size_t>(j)]};
      if (transformer)
        blocks->push_back(NextTransformerBlock(block));
      else
        blocks->push_back(NextConvBlock(block));
      chans = block.out_chs;
    }
    auto stage = std::make_shared<torch::nn::Module>();
    stages_.push_back(stage->register_module("blocks", blocks));
    stages->push_back(stage);
    reduction *= config.strides[i];
    features_.push_back({"stages." + std::to_string(i), chans, reduction});
  }
  register_module("stages", stages);
  norm_ = register_module("norm", nn::batch_norm(chans));
  head_ = register_module(
      "head",
      nn::ClassifierHead(nn::ClassifierHeadConfig{
          .in_features = chans, .num_classes = config.num_classes, .drop_rate = config.drop_rate}));
  nn::init_layers_(*this, nn::trunc_normal_);
}

Tensor NextViT::forward_features(const Tensor& x) {
  auto y = stem_->forward(x);
  for (auto& stage : stages_) y = stage->forward(y, checkpointing());
  return norm_->forward(y);
}

Tensor NextViT::forward_head(const Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> NextViT::feature_info() const { return features_; }

void NextViT::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t NextViT::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("norm.")) return layer_count() - 2;  // with the last stage, as in timm
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_nextvit(Registry& table) {
  table.add(make_entry<NextViT>("nextvit_small", Family::kHybrid, Fusion::kInterleaved,
                                imagenet_input(224, 0.95), NextViTConfig{}));
}

}  // namespace braid::models
