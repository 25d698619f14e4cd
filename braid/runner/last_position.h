// Of a decoder's logits only those behind the last word are read.
#pragma once
#include <string>

#include "braid/runner/graph.h"

namespace braid::runner {

// Where the operators before an output [B,N,..] look at each of the N positions by itself, as
// products with weights and sums with biases do, they get the last one alone, and the output
// becomes [B,1,..]. Elsewhere the graph stays as it is. last: int64 [1] with -1 in it. Returns
// whether anything is spared.
bool keep_last_position(Graph& graph, const std::string& output, const Tensor& last);

}  // namespace braid::runner
