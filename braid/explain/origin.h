// Where in the image the numbers of a graph's values come from.
//
// Beside every value runs a tensor of G measures over the image, pushed through the same operators:
// views, permutations, rolls and slices move it as they move the numbers, so that the tokens of
// windows, shifts, strides and unfolded patches keep their pixels.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::explain {

// [G,d0,..,dk] for a value [d0,..,dk] of one image; a dimension along which nothing varies, such as
// channels, has size 1. Undefined: nothing of the image.
using Origin = torch::Tensor;

enum class OriginKind {
  // Measures are y, x and 1, times how far the number has a place at all: attention leaves a query
  // where it is, a window's result lies in the window's middle.
  kPlace,
  // Measures are shares of cells of the image: attention mixes its values by its weights, averaged
  // over heads, a window's results and a sum's terms count evenly. Of a plain Transformer this is
  // attention rollout (Abnar & Zuidema, https://arxiv.org/abs/2005.00928).
  kFlow
};

// Attention of N queries over M keys.
struct AttentionSite {
  size_t node = 0;       // that multiplies the values by the weights
  Origin queries, keys;  // [G,B,h,N] and [G,B,h,M]
};

// What is known while a graph is followed.
struct OriginState {
  const graph::Graph& graph;
  OriginKind kind;
  std::vector<Origin> origins;  // by value
  // Products of queries and keys, and what was made of them number by number.
  struct Scores {
    Origin queries, keys;
  };
  std::map<graph::ValueId, Scores> scores;
  std::map<graph::ValueId, int64_t> normalized;  // the dimension over which weights sum to 1
  std::vector<AttentionSite> attention;
};

// The weights of an attention site, [B,h,N,M], rows sum to 1.
torch::Tensor attention_weights(const graph::Node& node, const std::vector<torch::Tensor>& values);

}  // namespace braid::explain
