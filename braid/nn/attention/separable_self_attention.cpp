#include "braid/nn/attention/separable_self_attention.h"

#include "braid/nn/basic/dropout.h"

namespace braid::nn {

SeparableSelfAttentionImpl::SeparableSelfAttentionImpl(const SeparableSelfAttentionConfig& config)
    : config_(config) {
  const int64_t D = config.dim;
  const auto product = [&](int64_t out) {
    return Pointwise(PointwiseConfig{.in_features = D,
                                     .out_features = out,
                                     .layout = WeightLayout::kConv1x1,
                                     .bias = config.bias,
                                     .init = PointwiseInit::kEfficientNet});
  };
  qkv_proj = register_module("qkv_proj", product(1 + 2 * D));
  out_proj = register_module("out_proj", product(D));
}

torch::Tensor SeparableSelfAttentionImpl::forward(const torch::Tensor& x) {
  const int64_t D = config_.dim;
  const auto parts = qkv_proj->forward(x).split_with_sizes({1, D, D}, 3);
  auto scores = parts[0].softmax(2).transpose(2, 3);  // [B,P,1,N]
  scores = nn::dropout(scores, config_.attn_drop, is_training());
  const auto context = at::matmul(scores, parts[1]);  // [B,P,1,D]
  const auto y = out_proj->forward(at::relu(parts[2]) * context);
  return nn::dropout(y, config_.proj_drop, is_training());
}

}  // namespace braid::nn
