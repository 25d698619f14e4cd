#include "braid/nn/attention/separable_self_attention.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

SeparableSelfAttentionImpl::SeparableSelfAttentionImpl(const SeparableSelfAttentionConfig& config)
    : config_(config) {
  const int64_t D = config.dim;
  const ConvOptions options{.kernel = 1, .bias = config.bias};
  qkv_proj = register_module("qkv_proj", conv2d(D, 1 + 2 * D, options));
  out_proj = register_module("out_proj", conv2d(D, D, options));
}

torch::Tensor SeparableSelfAttentionImpl::forward(const torch::Tensor& x) {
  const int64_t D = config_.dim;
  const auto parts = pointwise(qkv_proj, x).split_with_sizes({1, D, D}, 3);
  auto scores = parts[0].softmax(2).transpose(2, 3);  // [B,P,1,N]
  scores = torch::dropout(scores, config_.attn_drop, is_training());
  const auto context = at::matmul(scores, parts[1]);  // [B,P,1,D]
  const auto y = pointwise(out_proj, at::relu(parts[2]) * context);
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
  mlp = register_module("mlp", ConvMlp(ConvMlpConfig{.in_features = D,
                                                     .hidden_features = hidden,
                                                     .act = config.act,
                                                     .drop = config.proj_drop}));
}

torch::Tensor LinearTransformerBlockImpl::forward(torch::Tensor x) {
  x = x + drop_path(attn->forward(sample_norm(norm1, x)), drop_path_, is_training());
  return x + drop_path(mlp->forward(sample_norm(norm2, x)), drop_path_, is_training());
}

torch::Tensor sample_norm(torch::nn::GroupNorm& norm, const torch::Tensor& x) {
  return to_nhwc(norm->forward(to_nchw(x)));
}

}  // namespace braid::nn
