// Where a graph is quantized: the operators that are computed in 8 bits, and the values that become
// uint8 for them.
#pragma once
#include <map>
#include <set>

#include "braid/compress/layer.h"

namespace braid::compress {

struct Site {
  // Every reader takes the quantized value: engines compute a convolution in 8 bits only where
  // nothing reads its result before that. Else only readers that compute in 8 bits do.
  bool for_all = false;
  // Whose range it has: its own, or that of the value that it is a rearrangement of, so that the
  // rearrangement is one of bytes.
  ValueId range_of = graph::kNoValue;
};

struct Placement {
  std::map<ValueId, Site> sites;
  std::set<ValueId> units;  // first outputs of the operators that are computed in 8 bits
};

// As ONNX Runtime and OpenVINO want it: inputs and results of convolutions, inputs of linear layers
// and of products of two values, inputs and results of sums within a convolutional network. The
// stream of residual blocks of tokens, norms, activations and softmax stay in float. Tables are
// stored in 8 bits, their rows are floats again. in_float: units that stay in float too.
Placement place(const Graph& graph, const std::set<ValueId>& in_float = {});

// Everything: what every operator gives, but for what masks hide, which no range holds.
Placement place_everywhere(const Graph& graph);

// Whether an operator only rearranges its input, in 8 bits as well as in 32.
bool is_rearrangement(const Node& node);

}  // namespace braid::compress
