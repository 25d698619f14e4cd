#include "braid/nn/attention/separable_self_attention.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/conv/conv.h"

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
  scores = torch::dropout(scores, config_.attn_drop, is_training());
  const auto context = at::matmul(scores, parts[1]);  // [B,P,1,D]
  const auto y = out_proj->forward(at::relu(parts[2]) * context);
  return torch::dropout(y, config_.proj_drop, is_training());
}

LinearTransformerBlockImpl::LinearTransformerBlockImpl(const LinearTransformerBlockConfig& config)
    : drop_path_(config.drop_path) {
  const int64_t D = config.dim;
  norm1 = register_module("norm1", torch::nn::GroupNorm(1, D));
  attn = register_module(
      "attn", SeparableSelfAttention(SeparableSelfAttentionConfig{
                  .dim = D, .attn_drop = config.attn_drop, .proj_drop = config.proj_drop}));
  norm2 = register_module("norm2", torch::nn::GroupNorm(1, D));
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  mlp = register_module("mlp", Mlp(MlpConfig{.in_features = D,
                                             .hidden_features = hidden,
                                             .act = config.act,
                                             .drop = config.proj_drop,
                                             .drop_out = 0.0,
                                             .layout = WeightLayout::kConv1x1,
                                             .init = MlpInit::kEfficientNet}));
}

torch::Tensor LinearTransformerBlockImpl::forward(const torch::Tensor& tokens) {
  const auto x =
      tokens + drop_path(attn->forward(sample_norm(norm1, tokens)), drop_path_, is_training());
  return x + drop_path(mlp->forward(sample_norm(norm2, x)), drop_path_, is_training());
}

torch::Tensor sample_norm(torch::nn::GroupNorm& norm, const torch::Tensor& x) {
  return to_nhwc(norm->forward(to_nchw(x)));
}

}  // namespace braid::nn
