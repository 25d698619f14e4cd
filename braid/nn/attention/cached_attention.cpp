#include "braid/nn/attention/cached_attention.h"

#include <cmath>

#include "braid/nn/basic/own_operators.h"
#include "braid/ops/listed_attention.h"

namespace braid::nn {

using torch::Tensor;

Tensor attend_cached(const Tensor& q, const KeyValueCache& cache, const AttentionArgs& args) {
  const int64_t B = q.size(0), h = q.size(1), N = q.size(2), d = q.size(3);
  const bool plain =
      !args.bias.defined() && !args.implementation && args.dropout == 0 && (!args.causal || N == 1);
  if (plain && !cache.is_joined() && OwnOperators::in_scope() && q.is_cpu()) {
    const auto queries = q.transpose(1, 2).reshape({B * N, h * d});
    const ops::ListedKeys listed{
        cache.key_rows(), cache.value_rows(), cache.places(),
        args.key_padding.defined() ? args.key_padding.to(torch::kBool).contiguous() : Tensor()};
    if (ops::is_listed_attention_fused(queries, listed, h))
      return ops::listed_attention(queries, listed, h,
                                   args.scale.value_or(1 / std::sqrt(static_cast<double>(d))))
          .view({B, N, -1});
  }
  return merge_heads(attend(q, cache.keys(), cache.values(), args));
}

}  // namespace braid::nn
