#include "braid/nn/attention/reduced_key_attention.h"

#include <algorithm>

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

PooledKeyAttentionImpl::PooledKeyAttentionImpl(const PooledKeyAttentionConfig& config)
    : config_(config) {
  const int64_t D = config.dim, ratio = config.sr_ratio;
  q = register_module("q", torch::nn::Linear(torch::nn::LinearOptions(D, D).bias(config.qkv_bias)));
  kv = register_module("kv",
                       torch::nn::Linear(torch::nn::LinearOptions(D, 2 * D).bias(config.qkv_bias)));
  proj = register_module("proj", torch::nn::Linear(D, D));
  for (auto* layer : {&q, &kv, &proj}) init_linear_(*layer);
  if (ratio == 1) return;
  sr = register_module(
      "sr", conv2d(D, D, {.kernel_size = ratio, .stride = ratio, .bias = true, .padding = 0}));
  norm = register_module("norm", layer_norm(D, config.norm_eps));
}

torch::Tensor PooledKeyAttentionImpl::reduce(const torch::Tensor& x) {
  const int64_t bottom = std::max<int64_t>(config_.sr_ratio - x.size(1), 0);
  const int64_t right = std::max<int64_t>(config_.sr_ratio - x.size(2), 0);
  auto map = to_nchw(x);
  if (bottom > 0 || right > 0) map = torch::constant_pad_nd(map, {0, right, 0, bottom}, 0);
  return norm->forward(to_nhwc(sr->forward(map)));
}

torch::Tensor PooledKeyAttentionImpl::forward(const torch::Tensor& x) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), D = x.size(3), h = config_.num_heads;
  const auto query = q->forward(x).view({B, H * W, h, D / h}).transpose(1, 2);  // [B,h,N,d]
  const auto parts = kv->forward(sr ? reduce(x) : x)
                         .reshape({B, -1, 2, h, D / h})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);  // 2 x [B,h,M,d]
  auto y = at::scaled_dot_product_attention(query, parts[0], parts[1], /*attn_mask=*/{},
                                            is_training() ? config_.attn_drop : 0.0);  // [B,h,N,d]
  y = proj->forward(y.transpose(1, 2).reshape({B, H, W, D}));
  return torch::dropout(y, config_.proj_drop, is_training());
}

}  // namespace braid::nn
