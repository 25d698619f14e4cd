// Rewrites of a graph that keep what it computes; folding keeps it up to rounding.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::graph {

// One spelling for what LibTorch has many of: nothing in place; view, flatten, squeeze and
// unsqueeze are reshape; transpose and t are permute; narrow is slice.
void canonicalize(Graph& graph);
// Leaves out what gives its input back (dropout, detach, contiguous, a reshape to the same shape,
// ..) and makes one of reshapes, and of permutations, that follow each other.
void remove_identities(Graph& graph);
// x W, and + b where b is one number per column: aten::linear. Layers are written so in C++.
void form_linear(Graph& graph);
// Batch norm after a convolution or a linear layer becomes part of its weights.
void fold_batch_norm(Graph& graph);

struct PassResult {
  std::string name;
  int64_t removed = 0;  // nodes
};
// All of them, in this order.
std::vector<PassResult> simplify(Graph& graph);

}  // namespace braid::graph
