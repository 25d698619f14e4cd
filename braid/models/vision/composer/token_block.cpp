#include "braid/models/vision/composer/token_block.h"

#include "braid/nn/attention/reduced_key_attention.h"
#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/mlp/conv_ffn.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/nn/position/rotary.h"

namespace braid::models {

using torch::Tensor;

namespace {

nn::AnyLayer token_attention(const TokenBlockConfig& config) {
  if (config.sr_ratio > 0)
    return nn::SpatialReductionAttention(
        nn::SpatialReductionAttentionConfig{.attention = {.dim = config.dim,
                                                          .num_heads = config.num_heads,
                                                          .attn_drop = config.attn_drop,
                                                          .proj_drop = config.proj_drop},
                                            .sr_ratio = config.sr_ratio});
  nn::SelfAttentionConfig plain{.dim = config.dim,
                                .num_heads = config.num_heads,
                                .qkv_bias = true,
                                .attn_drop = config.attn_drop,
                                .proj_drop = config.proj_drop};
  if (config.position == Position::kRelative) {
    plain.qkv_order = nn::QkvOrder::kHeadsFirst;
    plain.init = nn::ProjectionInit::kXavier;
    plain.position = {
        .type = nn::PositionBiasType::kRelative, .grid_size = config.feat_size, .key = "rel_pos"};
  }
  nn::SelfAttention attention(plain);
  if (config.position != Position::kRotary) return attention;
  const int64_t head_dim = config.dim / config.num_heads;
  return {attention, [attention, head_dim](const Tensor& x) mutable {  // [B,H,W,D]
            // At least float32: a rotation is cast only once it is done.
            const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
            const auto rotary =
                nn::rotary_embedding(head_dim, x.size(1), x.size(2), x.options().dtype(type));
            return attention->forward(x, {.rotary = rotary});
          }};
}

nn::AnyLayer token_feed_forward(const TokenBlockConfig& config) {
  const auto hidden = static_cast<int64_t>(static_cast<double>(config.dim) * config.mlp_ratio);
  if (config.feed_forward == FeedForward::kMlp)
    return nn::Mlp(nn::MlpConfig{
        .in_features = config.dim, .hidden_features = hidden, .drop = config.proj_drop});
  if (config.feed_forward == FeedForward::kConvolution)
    return nn::ConvFfn(nn::ConvFfnConfig{
        .in_features = config.dim, .hidden_features = hidden, .drop = config.proj_drop});
  return nn::ConvFfn(nn::ConvFfnConfig{.in_features = config.dim,  // without dropout, as its
                                       .hidden_features = hidden,  // reference
                                       .form = nn::ConvFfnForm::kLeff});
}

}  // namespace

TokenBlockImpl::TokenBlockImpl(const TokenBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path, .parts_see = nn::MapLayout::kNhwc}),
      feat_size_(config.feat_size) {
  if (config.position == Position::kAbsolute) {
    pos_embed_ =
        register_parameter("pos_embed", torch::zeros({1, feat_size_ * feat_size_, config.dim}));
    nn::trunc_normal_(pos_embed_, 0.02);
  }
  if (config.position == Position::kConvolution)
    conv_position_ = register_module(
        "pos",
        nn::ConditionalPositionEncoding(nn::ConditionalPositionEncodingConfig{.dim = config.dim}));
  add(mixer.norm, "norm1", nn::layer_norm(config.dim));
  add(mixer.layer, "attn", token_attention(config));
  add(mlp.norm, "norm2", nn::layer_norm(config.dim));
  add(mlp.layer, "mlp", token_feed_forward(config));
}

Tensor TokenBlockImpl::forward(const Tensor& input) {
  auto x = nn::to_nhwc(conv_position_ ? conv_position_->forward(input) : input);  // [B,H,W,D]
  if (pos_embed_.defined()) x = x + pos_embed_.view({1, feat_size_, feat_size_, -1});
  return nn::to_nchw(forward_branches(x));
}

}  // namespace braid::models
