// Attention as operators that can be computed in 8 bits one by one.
#pragma once
#include "braid/graph/graph.h"

namespace braid::compress {

// scaled_dot_product_attention becomes softmax(q k^T * scale + mask) v where it has no dropout
// and is not of one query to keys whose number is free.
// A row of a mask that follows the input must let something be seen.
void decompose_attention(graph::Graph& graph);

}  // namespace braid::compress
