#include "braid/models/vision/hybrid/nextvit.h"

#include <fmt/format.h>

#include <numeric>

#include "braid/core/error.h"
#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/nextvit_blocks.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

void validate(const NextViTConfig& config) {
  const std::string model = "nextvit";
  const Validator check(model);
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("head_dim", config.head_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const auto fail = [&](const std::string& message) {
    throw ConfigError("models", message, "model " + model);
  };
  const size_t stages = config.depths.size();
  const auto fits = [stages](const std::vector<int64_t>& field) { return field.size() == stages; };
  if (stages == 0 || !fits(config.strides) || !fits(config.sr_ratios) || !fits(config.conv_chs) ||
      !fits(config.transformer_chs) || !fits(config.transformer_period))
    fail(
        "expected as many strides, sr_ratios, conv_chs, transformer_chs and transformer_period as "
        "depths, at least 1");
  check.stages("depths", stages);
  if (config.stem_chs.size() != 3) fail("expected three numbers in stem_chs");
  for (const int64_t chans : config.stem_chs) check.positive("stem_chs", chans);
  if (!(config.mix_block_ratio > 0 && config.mix_block_ratio < 1))
    fail(fmt::format("expected 0 < mix_block_ratio < 1, got {}", config.mix_block_ratio));
  for (size_t i = 0; i < stages; ++i) {
    check.positive("depths", config.depths[i])
        .positive("sr_ratios", config.sr_ratios[i])
        .divides("head_dim", config.head_dim, "conv_chs", config.conv_chs[i]);
    if (config.strides[i] != 1 && config.strides[i] != 2)
      fail(fmt::format("expected strides 1 or 2, got {}", config.strides[i]));
    if (config.transformer_period[i] < 0)
      fail(fmt::format("expected transformer_period of at least 0, got {}",
                       config.transformer_period[i]));
    const int64_t chans = config.transformer_chs[i];
    if (chans == 0) continue;
    check.positive("transformer_chs", chans);
    const nn::NextBlockConfig block{.out_chs = chans, .mix_block_ratio = config.mix_block_ratio};
    const int64_t attention = block.attention_chs();
    if (attention >= chans)
      fail(fmt::format("expected transformer_chs above {}, attention's part, got {}", attention,
                       chans));
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
  torch::nn::ModuleList stem;
  int64_t chans = config.in_chans;
  const auto& widths = config.stem_chs;
  for (const auto& [width, stride] :
       {std::pair{widths[0], 2}, {widths[1], 1}, {widths[2], 1}, {widths[2], 2}}) {
    auto module = std::make_shared<torch::nn::Module>();
    stem_.emplace_back(
        module->register_module("conv", nn::conv2d(chans, width, {.kernel = 3, .stride = stride})),
        module->register_module("norm", nn::batch_norm(width)));
    stem->push_back(module);
    chans = width;
  }
  register_module("stem", stem);

  const auto depth = std::accumulate(config.depths.begin(), config.depths.end(), int64_t{0});
  const auto rates = nn::drop_path_rates(config.drop_path_rate, depth);
  int64_t reduction = 4;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    torch::nn::ModuleList blocks;
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const bool transformer = is_transformer(i, j);
      const nn::NextBlockConfig block{
          .in_chs = chans,
          .out_chs = transformer ? config.transformer_chs[i] : config.conv_chs[i],
          .stride = j == 0 ? config.strides[i] : 1,
          .head_dim = config.head_dim,
          .sr_ratio = config.sr_ratios[i],
          .mix_block_ratio = config.mix_block_ratio,
          .attn_drop = config.attn_drop_rate,
          .drop = config.proj_drop_rate,
          .drop_path = rates[blocks_.size()]};
      std::shared_ptr<nn::FeatureBlockImpl> part;
      if (transformer)
        part = std::make_shared<nn::NextTransformerBlockImpl>(block);
      else
        part = std::make_shared<nn::NextConvBlockImpl>(block);
      blocks->push_back(part);
      blocks_.emplace_back(part);
      chans = block.out_chs;
    }
    auto stage = std::make_shared<torch::nn::Module>();
    stage->register_module("blocks", blocks);
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
  auto y = x;
  for (auto& [conv, norm] : stem_) y = at::relu(norm->forward(conv->forward(y)));
  for (auto& block : blocks_) y = runtime::maybe_checkpoint(checkpointing(), block, y);
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
