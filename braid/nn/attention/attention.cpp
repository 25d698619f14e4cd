#include "braid/nn/attention/attention.h"

#include "braid/nn/basic/init.h"

namespace braid::nn {

AttentionImpl::AttentionImpl(const AttentionConfig& config) : config_(config) {
  qkv = register_module(
      "qkv", torch::nn::Linear(
                 torch::nn::LinearOptions(config.dim, 3 * config.dim).bias(config.qkv_bias)));
  proj = register_module(
      "proj",
      torch::nn::Linear(torch::nn::LinearOptions(config.dim, config.dim).bias(config.proj_bias)));
  init_linear_(qkv);
  init_linear_(proj);
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& x) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2), h = config_.num_heads;
  const auto parts = qkv->forward(x)
                         .view({B, N, 3, h, D / h})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);  // 3 x [B,h,N,d]
  auto y = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], /*attn_mask=*/{},
                                            is_training() ? config_.attn_drop : 0.0);  // [B,h,N,d]
  y = proj->forward(y.transpose(1, 2).reshape({B, N, D}));
  return torch::dropout(y, config_.proj_drop, is_training());
}

}  // namespace braid::nn
