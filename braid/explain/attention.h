// What attention looks at, on the image's pixels.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/explain/explainable_graph.h"

namespace braid::explain {

// One attention of tokens that have places.
struct AttentionLayer {
  std::string name;  // its module
  int64_t heads = 0;
  int64_t queries = 0, keys = 0;  // tokens that see each other: of a window, or of the image
  // Mean distance in pixels between a query and what it looks at, per head, among tokens that have
  // a place.
  std::vector<double> distance;
  // [h,w] of the keys' grid: what a key is looked at, by class tokens where there are any, else by
  // all; the mean over heads, 1 over all keys of an attention.
  torch::Tensor map;
};

// image: [1,C,height,width]. Attention among channels, or whose keys have no place, is left out.
std::vector<AttentionLayer> attention_layers(const ExplainableGraph& explained,
                                             const torch::Tensor& image);

// The mean over queries of the mean distance to the keys, weighted; [h]. weights: [B,h,N,M];
// queries, keys: their places, as AttentionSite has them.
std::vector<double> attention_distance(const torch::Tensor& weights, const Origin& queries,
                                       const Origin& keys);

// Attention rollout through every operator of the graph: the share of each cell of the image in the
// class's logit, [h,w]; of a Transformer with a class token that is its row of the product of the
// layers' 0.5 A + 0.5 I. Cells are those of the first attention's queries, or fewer where they
// are many. Throws DataError for a model without attention, or where an operator cannot be
// followed.
torch::Tensor attention_rollout(const ExplainableGraph& explained, const torch::Tensor& image);

}  // namespace braid::explain
