#include "braid/models/vision/transformer/pvt_v2.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/attention/reduced_key_attention.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/mlp/conv_ffn.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {
namespace {

void validate(const PvtV2Config& config) {
  const Validator check("pvt_v2");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const size_t stages = config.depths.size();
  check
      .same_length("depths", stages,
                   {{"embed_dims", config.embed_dims.size()},
                    {"num_heads", config.num_heads.size()},
                    {"sr_ratios", config.sr_ratios.size()},
                    {"mlp_ratios", config.mlp_ratios.size()}})
      .stages("depths", stages)
      .depth("depths", config.depths)
      .positive("sr_ratios", config.sr_ratios);
  for (size_t i = 0; i < stages; ++i)
    check.divides("num_heads", config.num_heads[i], "embed_dims", config.embed_dims[i])
        .between("mlp_ratios", config.mlp_ratios[i], 1.0, 64.0);
}

}  // namespace

void PvtV2Config::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("embed_dims", embed_dims, "channels per stage");
  v.field("num_heads", num_heads, "attention heads per stage");
  v.field("sr_ratios", sr_ratios, "per stage: pixels along one side that make one key");
  v.field("mlp_ratios", mlp_ratios, "per stage: hidden channels of the feed-forward part");
  v.field("qkv_bias", qkv_bias, "bias of queries, keys and values");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

PvtV2BlockImpl::PvtV2BlockImpl(const PvtV2Config& config, size_t stage, double drop_path)
    : PreNormBlockImpl({.drop_path = drop_path}) {
  const int64_t D = config.embed_dims[stage];
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratios[stage]);
  add(mixer.norm, "norm1", nn::layer_norm(D));
  add(mixer.layer, "attn",
      nn::SpatialReductionAttention(
          nn::SpatialReductionAttentionConfig{.attention = {.dim = D,
                                                            .num_heads = config.num_heads[stage],
                                                            .qkv_bias = config.qkv_bias,
                                                            .attn_drop = config.attn_drop_rate,
                                                            .proj_drop = config.proj_drop_rate},
                                              .sr_ratio = config.sr_ratios[stage]}));
  add(mlp.norm, "norm2", nn::layer_norm(D));
  add(mlp.layer, "mlp",
      nn::ConvFfn(nn::ConvFfnConfig{
          .in_features = D, .hidden_features = hidden, .drop = config.proj_drop_rate}));
}

PvtV2StageImpl::PvtV2StageImpl(const PvtV2Config& config, size_t stage,
                               const std::vector<double>& rates) {
  const int64_t D = config.embed_dims[stage];
  if (stage > 0)
    downsample = register_module("downsample", nn::OverlapPatchEmbed(nn::OverlapPatchEmbedConfig{
                                                   .in_chs = config.embed_dims[stage - 1],
                                                   .embed_dim = D,
                                                   .patch_size = 3,
                                                   .stride = 2,
                                                   .padding = 1}));
  for (const double rate : rates) blocks->push_back(PvtV2Block(config, stage, rate));
  register_module("blocks", blocks);
  norm = register_module("norm", nn::layer_norm(D));
}

torch::Tensor PvtV2StageImpl::forward(torch::Tensor x, bool checkpointing) {
  if (downsample) x = downsample->forward(nn::to_nchw(x));
  return nn::trained_norm(norm, blocks->forward(x, checkpointing));
}

PvtV2::PvtV2(const PvtV2Config& config) : ModelOf(config) {
  validate(config);
  patch_embed = register_module("patch_embed",
                                nn::OverlapPatchEmbed(nn::OverlapPatchEmbedConfig{
                                    .in_chs = config.in_chans, .embed_dim = config.embed_dims[0]}));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  torch::nn::ModuleList list;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    stages.emplace_back(config, i, rates[i]);
    list->push_back(stages.back());
  }
  register_module("stages", list);
  replace_head(config.num_classes);
}

torch::Tensor PvtV2::forward_features(const torch::Tensor& x) {
  auto y = patch_embed->forward(x);  // [B,H/4,W/4,D]
  for (auto& stage : stages) y = stage->forward(y, checkpointing());
  return nn::to_nchw(y);
}

torch::Tensor PvtV2::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = ops::global_avg_pool(features);  // [B,D,h,w] -> [B,D]
  if (pre_logits || !head) return pooled;
  return head->forward(nn::dropout(pooled, config_.drop_rate, is_training()));
}

std::vector<FeatureInfo> PvtV2::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.embed_dims[i], int64_t{4} << i});
  return info;
}

void PvtV2::replace_head(int64_t num_classes) {
  nn::replace_head(*this, "head", head, nn::new_head(config_.embed_dims.back(), num_classes, 0.02));
}

int64_t PvtV2::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("patch_embed.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_pvt_v2(Registry& table) {
  table.add(make_entry<PvtV2>("pvt_v2_b0", Family::kTransformer, Fusion::kEmbedded,
                              imagenet_input(224, 0.9), PvtV2Config{}));
}

}  // namespace braid::models
