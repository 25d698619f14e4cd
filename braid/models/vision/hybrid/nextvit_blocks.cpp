#include "braid/models/vision/hybrid/nextvit_blocks.h"

#include <algorithm>

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/downsample.h"

namespace braid::nn {
namespace {

// Hidden channels of the feed-forward parts per channel.
constexpr int64_t kConvMlpRatio = 3, kTransformerMlpRatio = 2;

Mlp next_mlp(const NextBlockConfig& config, int64_t ratio) {
  return Mlp(MlpConfig{.in_features = config.out_chs,
                       .hidden_features = ratio * config.out_chs,
                       .act = config.act,
                       .drop = config.proj_drop,
                       .drop_out = 0.0,
                       .layout = WeightLayout::kConv1x1,
                       .init = MlpInit::kEfficientNet});
}

// What fits a map to a block where channels or size change; a null holder elsewhere.
ConvNormAct fitting_projection(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return nullptr;
  return ConvNormAct(ConvNormActConfig{.in_chs = in, .out_chs = out, .norm_key = "norm"});
}

torch::Tensor project(ConvNormAct& layer, const torch::Tensor& x, int64_t stride) {
  const auto y = stride == 2 ? halve(x) : x;
  return layer ? layer->forward(y) : y;
}

}  // namespace

ConvAttentionImpl::ConvAttentionImpl(int64_t chans, int64_t head_dim, Act act) : act_(act) {
  group_conv3x3_ = register_module(
      "group_conv3x3", conv2d(chans, chans, {.kernel_size = 3, .groups = chans / head_dim}));
  norm_ = register_module("norm", batch_norm(chans));
  projection_ = register_module("projection", conv2d(chans, chans));
}

torch::Tensor ConvAttentionImpl::forward(const torch::Tensor& x) {
  return projection_->forward(activate(norm_->forward(group_conv3x3_->forward(x)), act_));
}

PooledAttentionImpl::PooledAttentionImpl(const PooledAttentionConfig& config) : config_(config) {
  const auto linear = [&](const char* name) {
    torch::nn::Linear layer(config.dim, config.dim);
    init_linear_(layer);
    return register_module(name, layer);
  };
  q_ = linear("q");
  k_ = linear("k");
  v_ = linear("v");
  proj_ = linear("proj");
  if (config.sr_ratio > 1) norm_ = register_module("norm", torch::nn::BatchNorm1d(config.dim));
}

torch::Tensor PooledAttentionImpl::forward(const torch::Tensor& x) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2), d = config_.head_dim;
  const auto heads = [&](const torch::Tensor& tokens) {
    return tokens.reshape({B, -1, D / d, d}).transpose(1, 2);  // [B,h,N',d]
  };
  const auto q = heads(q_->forward(x));
  auto keys = x;
  if (norm_) {
    const int64_t run = std::min(config_.sr_ratio * config_.sr_ratio, N);
    keys = at::avg_pool1d(x.transpose(1, 2), run, run);  // [B,D,N/run]
    keys = norm_->forward(keys).transpose(1, 2);
  }
  auto y = at::scaled_dot_product_attention(q, heads(k_->forward(keys)), heads(v_->forward(keys)),
                                            /*attn_mask=*/{},
                                            is_training() ? config_.attn_drop : 0.0);  // [B,h,N,d]
  y = proj_->forward(y.transpose(1, 2).reshape({B, N, D}));
  return torch::dropout(y, config_.proj_drop, is_training());
}

int64_t NextBlockConfig::attention_chs() const {
  const auto wanted = static_cast<int64_t>(static_cast<double>(out_chs) * mix_block_ratio);
  return make_divisible(static_cast<double>(wanted), 32);
}

NextConvBlockImpl::NextConvBlockImpl(const NextBlockConfig& config)
    : stride_(config.stride), drop_path_(config.drop_path) {
  patch_embed_ = fitting_projection(config.in_chs, config.out_chs, config.stride);
  if (patch_embed_) register_module("patch_embed", patch_embed_);
  mhca_ = register_module("mhca", ConvAttention(config.out_chs, config.head_dim, config.act));
  norm_ = register_module("norm", batch_norm(config.out_chs));
  mlp_ = register_module("mlp", next_mlp(config, kConvMlpRatio));
}

torch::Tensor NextConvBlockImpl::forward(const torch::Tensor& x) {
  auto y = project(patch_embed_, x, stride_);
  y = y + drop_path(mhca_->forward(y), drop_path_, is_training());
  const auto hidden = mlp_->forward(to_nhwc(norm_->forward(y)));  // [B,H,W,C]
  return y + drop_path(to_nchw(hidden), drop_path_, is_training());
}

NextTransformerBlockImpl::NextTransformerBlockImpl(const NextBlockConfig& config)
    : stride_(config.stride),
      drop_path_(config.drop_path),
      mix_block_ratio_(config.mix_block_ratio) {
  const int64_t attention = config.attention_chs(), rest = config.out_chs - attention;
  patch_embed_ = fitting_projection(config.in_chs, attention, config.stride);
  if (patch_embed_) register_module("patch_embed", patch_embed_);
  norm1_ = register_module("norm1", batch_norm(attention));
  e_mhsa_ = register_module("e_mhsa",
                            PooledAttention(PooledAttentionConfig{.dim = attention,
                                                                  .head_dim = config.head_dim,
                                                                  .sr_ratio = config.sr_ratio,
                                                                  .attn_drop = config.attn_drop,
                                                                  .proj_drop = config.proj_drop}));
  projection_ = fitting_projection(attention, rest, 1);
  if (projection_) register_module("projection", projection_);
  mhca_ = register_module("mhca", ConvAttention(rest, config.head_dim, config.act));
  norm2_ = register_module("norm2", batch_norm(config.out_chs));
  mlp_ = register_module("mlp", next_mlp(config, kTransformerMlpRatio));
}

torch::Tensor NextTransformerBlockImpl::forward(const torch::Tensor& x) {
  auto y = project(patch_embed_, x, stride_);
  const auto map = to_nhwc(norm1_->forward(y));  // [B,H,W,C]
  auto attended = e_mhsa_->forward(map.flatten(1, 2)).view(map.sizes());
  y = y + drop_path(to_nchw(attended), drop_path_ * mix_block_ratio_, is_training());
  auto local = project(projection_, y, 1);  // [B,C'-C,H,W]
  local =
      local + drop_path(mhca_->forward(local), drop_path_ * (1 - mix_block_ratio_), is_training());
  y = torch::cat({y, local}, 1);  // [B,C',H,W]
  const auto hidden = mlp_->forward(to_nhwc(norm2_->forward(y)));
  return y + drop_path(to_nchw(hidden), drop_path_, is_training());
}

}  // namespace braid::nn
