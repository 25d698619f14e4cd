#include "braid/nn/attention/multi_head_attention.h"

#include "braid/nn/attention/cached_attention.h"
#include "braid/nn/basic/product.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/position/rotary.h"

namespace braid::nn {

using torch::Tensor;

MultiHeadAttentionImpl::MultiHeadAttentionImpl(const MultiHeadAttentionConfig& config)
    : config_(config) {
  if (config_.head_dim == 0) config_.head_dim = config_.dim / config_.num_heads;
  if (config_.memory_dim == 0) config_.memory_dim = config_.dim;
  const int64_t inner = config_.num_heads * config_.head_dim;
  const auto linear = [&](const std::string& key, int64_t from, int64_t to, bool bias) {
    torch::nn::Linear layer(torch::nn::LinearOptions(from, to).bias(bias));
    register_at(*this, key, layer.ptr());
    return layer;
  };
  q = linear(config_.keys.q, config_.dim, inner, config_.qkv_bias);
  k = linear(config_.keys.k, config_.memory_dim, inner, config_.qkv_bias);
  v = linear(config_.keys.v, config_.memory_dim, inner, config_.qkv_bias);
  out = linear(config_.keys.out, inner, config_.dim, config_.out_bias);
}

Tensor MultiHeadAttentionImpl::forward(const Tensor& x, const TokenMixerArgs& args) {
  const bool cross = args.memory.defined();
  const auto turn = [&](const Tensor& heads) {
    return args.rotary.defined() ? apply_rotary(heads, args.rotary) : heads;
  };
  const auto project = [&](torch::nn::Linear& layer, const Tensor& from) {
    return split_heads(product(layer, from), config_.num_heads);
  };
  // What shares a memory asks it together: [B*r,N,D] -> [B,r*N,D].
  const bool shared = cross && x.size(0) != args.memory.size(0);
  const auto tokens = shared_by_products(x, is_training());
  const auto asking = shared ? tokens.reshape({args.memory.size(0), -1, x.size(2)}) : tokens;
  const auto queries = turn(project(q, asking));  // [B,h,N,d]
  const AttentionArgs how{.bias = args.bias,
                          .key_padding = args.key_padding,
                          .causal = args.causal,
                          .dropout = is_training() ? config_.attn_drop : 0};
  Tensor y;  // [B,N,D]
  if (cross && args.cache && !args.cache->empty()) {
    y = attend_cached(queries, *args.cache, how);
  } else {
    const auto& from = cross ? args.memory : tokens;
    auto keys = project(k, from);  // [B,h,M,d]
    if (!cross) keys = turn(keys);
    const auto values = project(v, from);
    if (args.cache) args.cache->append(keys, values);
    y = args.cache ? attend_cached(queries, *args.cache, how)
                   : merge_heads(attend(queries, keys, values, how));
  }
  const auto joined = product(out, y);
  return shared ? joined.view({x.size(0), x.size(1), -1}) : joined;
}

}  // namespace braid::nn
