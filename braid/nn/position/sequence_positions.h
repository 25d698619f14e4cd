// Where the tokens of a text stand, without learned tables of positions: sines and cosines, rotary,
// T5's buckets of distances and ALiBi. `first`: the position of the first token (of the first
// query), for decoders that have seen others before.
#pragma once
#include <cstdint>

#include "braid/torch.h"

namespace braid::nn {

// Vaswani et al., as Marian has them: the sines of all frequencies, then their cosines.
// [length,dim].
torch::Tensor sinusoidal_positions(int64_t length, int64_t dim, const torch::TensorOptions& options,
                                   int64_t first = 0);

// RoFormer's rotary embedding (https://arxiv.org/abs/2104.09864), for apply_rotary: neighbouring
// channels turn together. dim: channels of a head, even. [length,2*dim], sines then cosines.
torch::Tensor sequence_rotary(int64_t length, int64_t dim, const torch::TensorOptions& options,
                              int64_t first = 0, double theta = 10000);

// T5's classes of distances (https://arxiv.org/abs/1910.10683): half of the buckets for small
// distances each, the others for larger ones, in steps that grow, up to max_distance.
struct DistanceBuckets {
  int64_t num_buckets = 32;
  int64_t max_distance = 128;
  bool bidirectional = true;  // half of the buckets for keys after the query; else those are all 0
};
// [queries,keys] int64, below num_buckets.
torch::Tensor distance_buckets(int64_t queries, int64_t keys, const DistanceBuckets& buckets,
                               torch::Device device, int64_t first = 0);

// What a table of a number for each bucket and head, [num_buckets,heads], adds to the products of
// N tokens: [1,heads,N,N].
torch::Tensor distance_bias(torch::nn::Embedding& table, int64_t tokens);

// ALiBi (https://arxiv.org/abs/2108.12409): what is added to the products of a head falls with the
// distance of query and key, on either side. Slopes as Bloom has them, [heads].
torch::Tensor alibi_slopes(int64_t heads);
// [1,heads,queries,keys].
torch::Tensor alibi_bias(int64_t heads, int64_t queries, int64_t keys,
                         const torch::TensorOptions& options, int64_t first = 0);

}  // namespace braid::nn
