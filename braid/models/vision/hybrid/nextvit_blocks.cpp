#include "braid/models/vision/hybrid/nextvit_blocks.h"

#include <algorithm>

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/downsample.h"

namespace braid::models {
namespace {

// Hidden channels of the feed-forward parts per channel.
constexpr int64_t kConvMlpRatio = 3, kTransformerMlpRatio = 2;

nn::Mlp next_mlp(const NextBlockConfig& config, int64_t ratio) {
  return nn::Mlp(nn::MlpConfig{.in_features = config.out_chs,
                               .hidden_features = ratio * config.out_chs,
                               .act = config.act,
                               .drop = config.proj_drop,
                               .drop_out = 0.0,
                               .layout = nn::WeightLayout::kConv1x1,
                               .init = nn::MlpInit::kEfficientNet});
}

// What fits a map to a block where channels or size change; a null holder elsewhere.
nn::ConvNormAct next_projection(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return nullptr;
  return nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = in, .out_chs = out, .norm_key = "norm"});
}

torch::Tensor project(nn::ConvNormAct& layer, const torch::Tensor& x, int64_t stride) {
  const auto y = stride == 2 ? nn::halve(x) : x;
  return layer ? layer->forward(y) : y;
}

}  // namespace

ConvAttentionImpl::ConvAttentionImpl(int64_t chans, int64_t head_dim, nn::Act act) : act_(act) {
  group_conv3x3_ = register_module(
      "group_conv3x3", nn::conv2d(chans, chans, {.kernel_size = 3, .groups = chans / head_dim}));
  norm_ = register_module("norm", nn::batch_norm(chans));
  projection_ = register_module("projection", nn::conv2d(chans, chans));
}

torch::Tensor ConvAttentionImpl::forward(const torch::Tensor& x) {
  return projection_->forward(nn::activate(norm_->forward(group_conv3x3_->forward(x)), act_));
}

EfficientSelfAttentionImpl::EfficientSelfAttentionImpl(const nn::ReducedKeyAttentionConfig& config,
                                                       int64_t sr_ratio)
    : ReducedKeyAttentionImpl(config), sr_ratio_(sr_ratio) {
  if (sr_ratio > 1) norm_ = register_module("norm", torch::nn::BatchNorm1d(config.dim));
}

int64_t EfficientSelfAttentionImpl::run(int64_t tokens) const {
  return std::min(sr_ratio_ * sr_ratio_, tokens);
}

torch::Tensor EfficientSelfAttentionImpl::reduce(const torch::Tensor& x) {
  if (!norm_) return x;
  const int64_t n = run(x.size(1));
  return norm_->forward(at::avg_pool1d(x.transpose(1, 2), n, n)).transpose(1, 2);  // [B,N/n,D]
}

torch::Tensor EfficientSelfAttentionImpl::reduce_mask(const torch::Tensor& tokens) {
  if (!norm_) return tokens;
  const int64_t n = run(tokens.size(1));
  return at::max_pool1d(tokens.unsqueeze(1), n, n);
}

int64_t NextBlockConfig::attention_chs() const {
  const auto wanted = static_cast<int64_t>(static_cast<double>(out_chs) * mix_block_ratio);
  return nn::make_divisible(static_cast<double>(wanted), 32);
}

NextConvBlockImpl::NextConvBlockImpl(const NextBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path}), stride_(config.stride) {
  patch_embed_ = next_projection(config.in_chs, config.out_chs, config.stride);
  if (patch_embed_) register_module("patch_embed", patch_embed_);
  add(mixer.layer, "mhca", ConvAttention(config.out_chs, config.head_dim, config.act));
  add(mlp.norm, "norm", nn::batch_norm(config.out_chs));
  const auto channels_last = next_mlp(config, kConvMlpRatio);
  add(mlp.layer, "mlp", {channels_last, [held = channels_last](const torch::Tensor& x) mutable {
                           return nn::to_nchw(held->forward(nn::to_nhwc(x)));
                         }});
}

torch::Tensor NextConvBlockImpl::forward(const torch::Tensor& x) {
  return PreNormBlockImpl::forward(project(patch_embed_, x, stride_));
}

NextTransformerBlockImpl::NextTransformerBlockImpl(const NextBlockConfig& config)
    : stride_(config.stride),
      drop_path_(config.drop_path),
      mix_block_ratio_(config.mix_block_ratio) {
  const int64_t attention = config.attention_chs(), rest = config.out_chs - attention;
  patch_embed_ = next_projection(config.in_chs, attention, config.stride);
  if (patch_embed_) register_module("patch_embed", patch_embed_);
  norm1_ = register_module("norm1", nn::batch_norm(attention));
  e_mhsa_ = register_module(
      "e_mhsa",
      EfficientSelfAttention(nn::ReducedKeyAttentionConfig{.dim = attention,
                                                           .num_heads = attention / config.head_dim,
                                                           .joint_kv = false,
                                                           .attn_drop = config.attn_drop,
                                                           .proj_drop = config.proj_drop},
                             config.sr_ratio));
  projection_ = next_projection(attention, rest, 1);
  if (projection_) register_module("projection", projection_);
  mhca_ = register_module("mhca", ConvAttention(rest, config.head_dim, config.act));
  norm2_ = register_module("norm2", nn::batch_norm(config.out_chs));
  mlp_ = register_module("mlp", next_mlp(config, kTransformerMlpRatio));
}

torch::Tensor NextTransformerBlockImpl::forward(const torch::Tensor& x) {
  auto y = project(patch_embed_, x, stride_);
  const auto map = nn::to_nhwc(norm1_->forward(y));  // [B,H,W,C]
  auto attended = e_mhsa_->forward(map.flatten(1, 2)).view(map.sizes());
  y = y + nn::drop_path(nn::to_nchw(attended), drop_path_ * mix_block_ratio_, is_training());
  auto local = project(projection_, y, 1);  // [B,C'-C,H,W]
  local = local +
          nn::drop_path(mhca_->forward(local), drop_path_ * (1 - mix_block_ratio_), is_training());
  y = torch::cat({y, local}, 1);  // [B,C',H,W]
  const auto hidden = mlp_->forward(nn::to_nhwc(norm2_->forward(y)));
  return y + nn::drop_path(nn::to_nchw(hidden), drop_path_, is_training());
}

}  // namespace braid::models
