#include "braid/nn/attention/reduced_key_attention.h"

#include <algorithm>

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

using torch::Tensor;

ReducedKeyAttentionImpl::ReducedKeyAttentionImpl(const ReducedKeyAttentionConfig& config)
    : config_(config) {
  const int64_t D = config.dim;
  const auto add = [&](const char* name, int64_t out, bool bias) {
    return register_module(name, torch::nn::Linear(torch::nn::LinearOptions(D, out).bias(bias)));
  };
  q = add("q", D, config.qkv_bias);
  if (config.joint_kv) {
    kv = add("kv", 2 * D, config.qkv_bias);
  } else {
    k = add("k", D, config.qkv_bias);
    v = add("v", D, config.qkv_bias);
  }
  proj = add("proj", D, /*bias=*/true);
  for (auto* layer : {&q, &kv, &k, &v, &proj})
    if (*layer) init_linear_(*layer);
}

Tensor ReducedKeyAttentionImpl::forward(const Tensor& x, const ReducedKeyAttentionArgs& args) {
  const int64_t h = config_.num_heads;
  const auto query = q->forward(x);
  Tensor source, visible;
  if (args.key_padding.defined()) {
    const auto tokens = args.key_padding.to(torch::kBool);
    source = reduce(x.masked_fill(tokens.logical_not().unsqueeze(-1), 0));
    visible = reduce_mask(tokens.to(torch::kFloat)).flatten(1) > 0;  // [B,M]
  } else {
    source = reduce(x);
  }
  const auto heads = [h](const Tensor& tokens) { return split_heads(tokens.flatten(1, -2), h); };
  Tensor key, value;
  if (kv) {
    const auto parts = split_kv(kv->forward(source).flatten(1, -2), h);
    key = parts[0], value = parts[1];
  } else {
    key = heads(k->forward(source)), value = heads(v->forward(source));
  }
  const auto y = attend(heads(query), key, value,
                        {.bias = args.bias,
                         .key_padding = visible,
                         .dropout = is_training() ? config_.attn_drop : 0.0});  // [B,h,N,d]
  return nn::dropout(proj->forward(merge_heads(y).view(x.sizes())), config_.proj_drop,
                     is_training());
}

SpatialReductionAttentionImpl::SpatialReductionAttentionImpl(
    const SpatialReductionAttentionConfig& config)
    : ReducedKeyAttentionImpl(config.attention), sr_ratio_(config.sr_ratio) {
  if (sr_ratio_ == 1) return;
  const int64_t D = config.attention.dim;
  sr = register_module(
      "sr",
      conv2d(D, D, {.kernel_size = sr_ratio_, .stride = sr_ratio_, .bias = true, .padding = 0}));
  norm = register_module("norm", layer_norm(D, config.norm_eps));
}

Tensor SpatialReductionAttentionImpl::at_least_one_key(const Tensor& map) const {
  const int64_t bottom = std::max<int64_t>(sr_ratio_ - map.size(2), 0);
  const int64_t right = std::max<int64_t>(sr_ratio_ - map.size(3), 0);
  if (bottom == 0 && right == 0) return map;
  return torch::constant_pad_nd(map, {0, right, 0, bottom}, 0);
}

Tensor SpatialReductionAttentionImpl::reduce(const Tensor& x) {
  if (!sr) return x;
  return norm_for_product(norm, to_nhwc(sr->forward(at_least_one_key(to_nchw(x)))));
}

Tensor SpatialReductionAttentionImpl::reduce_mask(const Tensor& tokens) {
  if (!sr) return tokens;
  return at::max_pool2d(at_least_one_key(tokens.unsqueeze(1)), sr_ratio_, sr_ratio_);
}

}  // namespace braid::nn
