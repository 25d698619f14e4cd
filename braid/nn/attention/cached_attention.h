// Attention over what a cache keeps.
#pragma once
#include "braid/nn/attention/core.h"
#include "braid/nn/attention/key_value_cache.h"

namespace braid::nn {

// q: [B,h,N,d] over all positions of the cache -> [B,N,h*d']. As attend() of the cache's keys and
// values; where nn::OwnOperators and the arguments allow it, by ops/listed_attention.h, which reads
// them where they lie.
torch::Tensor attend_cached(const torch::Tensor& q, const KeyValueCache& cache,
                            const AttentionArgs& args);

}  // namespace braid::nn
