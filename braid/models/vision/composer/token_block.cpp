#include "braid/models/vision/composer/token_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {

using torch::Tensor;

TokenBlockImpl::TokenBlockImpl(const TokenBlockConfig& config) : config_(config) {
  if (config.position == Position::kAbsolute) {
    pos_embed_ =
        register_parameter("pos_embed", torch::zeros({1, config.side * config.side, config.dim}));
    nn::trunc_normal_(pos_embed_, 0.02);
  }
  if (config.position == Position::kConvolution)
    conv_position_ = register_module(
        "pos", nn::ConditionalPosition(nn::ConditionalPositionConfig{.dim = config.dim}));
  norm1_ = register_module("norm1", nn::layer_norm(config.dim));
  make_attention();
  norm2_ = register_module("norm2", nn::layer_norm(config.dim));
  make_feed_forward();
}

void TokenBlockImpl::make_attention() {
  const auto& c = config_;
  if (c.sr_ratio > 0)
    pooled_ = register_module(
        "attn", nn::PooledKeyAttention(nn::PooledKeyAttentionConfig{.dim = c.dim,
                                                                    .num_heads = c.num_heads,
                                                                    .sr_ratio = c.sr_ratio,
                                                                    .attn_drop = c.attn_drop,
                                                                    .proj_drop = c.proj_drop}));
  else if (c.position == Position::kRelative)
    relative_ = register_module(
        "attn", nn::RelativeAttention(nn::RelativeAttentionConfig{.dim = c.dim,
                                                                  .dim_out = c.dim,
                                                                  .dim_head = c.dim / c.num_heads,
                                                                  .side = c.side,
                                                                  .attn_drop = c.attn_drop,
                                                                  .proj_drop = c.proj_drop}));
  else if (c.position == Position::kRotary)
    rotary_ = register_module(
        "attn", nn::RotaryAttention(nn::RotaryAttentionConfig{.dim = c.dim,
                                                              .num_heads = c.num_heads,
                                                              .attn_drop = c.attn_drop,
                                                              .proj_drop = c.proj_drop}));
  else
    attention_ =
        register_module("attn", nn::Attention(nn::AttentionConfig{.dim = c.dim,
                                                                  .num_heads = c.num_heads,
                                                                  .qkv_bias = true,
                                                                  .attn_drop = c.attn_drop,
                                                                  .proj_drop = c.proj_drop}));
}

void TokenBlockImpl::make_feed_forward() {
  const auto& c = config_;
  const auto hidden = static_cast<int64_t>(static_cast<double>(c.dim) * c.mlp_ratio);
  if (c.feed_forward == FeedForward::kMlp)
    mlp_ = register_module(
        "mlp", nn::Mlp(nn::MlpConfig{
                   .in_features = c.dim, .hidden_features = hidden, .drop = c.proj_drop}));
  else if (c.feed_forward == FeedForward::kConvolution)
    conv_ffn_ = register_module(
        "mlp", nn::ConvFfn(nn::ConvFfnConfig{
                   .in_features = c.dim, .hidden_features = hidden, .drop = c.proj_drop}));
  else  // without dropout, as its reference
    conv_ffn_ = register_module(
        "mlp",
        nn::ConvFfn(nn::ConvFfnConfig{
            .in_features = c.dim, .hidden_features = hidden, .form = nn::ConvFfnForm::kLeff}));
}

Tensor TokenBlockImpl::attend(const Tensor& x) {
  if (pooled_) return pooled_->forward(x);
  const auto tokens = x.flatten(1, 2);  // [B,H,W,D] -> [B,N,D]
  if (relative_) return relative_->forward(tokens).view_as(x);
  if (!rotary_) return attention_->forward(tokens).view_as(x);
  // At least float32: a rotation is cast only once it is done.
  const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  const auto embedding = nn::rotary_embedding(config_.dim / config_.num_heads, x.size(1), x.size(2),
                                              {}, x.options().dtype(type));
  return rotary_->forward(tokens, embedding).view_as(x);
}

Tensor TokenBlockImpl::feed_forward(const Tensor& x) {
  return mlp_ ? mlp_->forward(x) : conv_ffn_->forward(x);
}

Tensor TokenBlockImpl::forward(const Tensor& input) {
  auto x = nn::to_nhwc(conv_position_ ? conv_position_->forward(input) : input);
  if (pos_embed_.defined()) x = x + pos_embed_.view({1, config_.side, config_.side, config_.dim});
  x = x + nn::drop_path(attend(norm1_->forward(x)), config_.drop_path, is_training());
  x = x + nn::drop_path(feed_forward(norm2_->forward(x)), config_.drop_path, is_training());
  return nn::to_nchw(x);
}

}  // namespace braid::models
