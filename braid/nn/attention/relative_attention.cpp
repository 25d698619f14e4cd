#include "braid/nn/attention/relative_attention.h"

namespace braid::nn {

RelativeAttentionImpl::RelativeAttentionImpl(const RelativeAttentionConfig& config)
    : config_(config) {
  const int64_t dim = config.dim;
  qkv_ = register_module(
      "qkv", Pointwise(PointwiseConfig{
                 .in_features = dim, .out_features = 3 * dim, .layout = config.layout}));
  rel_pos_ = register_module("rel_pos", make_rel_pos({.type = config.rel_pos_type,
                                                      .side = config.side,
                                                      .num_heads = dim / config.dim_head,
                                                      .hidden_dim = config.rel_pos_dim}));
  proj_ = register_module(
      "proj", Pointwise(PointwiseConfig{
                  .in_features = dim, .out_features = config.dim_out, .layout = config.layout}));
}

torch::Tensor RelativeAttentionImpl::forward(const torch::Tensor& x) {
  const int64_t B = x.size(0), N = x.size(1), C = x.size(2);
  const int64_t d = config_.dim_head, h = C / d;
  const auto qkv = qkv_->forward(x);  // [B,N,3C]
  const auto parts = config_.qkv_order == QkvOrder::kHeadsFirst
                         ? qkv.view({B, N, h, 3 * d}).transpose(1, 2).chunk(3, -1)
                         : qkv.view({B, N, 3, h, d}).permute({2, 0, 3, 1, 4}).unbind(0);
  auto y = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], rel_pos_->forward(),
                                            is_training() ? config_.attn_drop : 0.0);  // [B,h,N,d]
  y = proj_->forward(y.transpose(1, 2).reshape({B, N, C}));
  return torch::dropout(y, config_.proj_drop, is_training());
}

}  // namespace braid::nn
