// What of a graph can be computed in 8 bits.
#pragma once
#include <cstdint>

#include "braid/graph/graph.h"

namespace braid::compress {

using graph::Graph;
using graph::Node;
using graph::ValueId;

// A convolution by a constant kernel.
bool is_convolution(const Graph& graph, const Node& node);
// aten::linear by a constant matrix.
bool is_linear(const Graph& graph, const Node& node);
// Either: its operands are `input`, `weight` (outputs first) and `bias`, which may be none.
bool is_layer(const Graph& graph, const Node& node);
// Rows of a constant matrix, chosen by tokens or in their order: embeddings of words and positions.
bool is_table(const Graph& graph, const Node& node);
// The name of the operand that is the matrix.
const char* table_operand(const Node& table);
// A product of two values that follow the input, as attention has them.
bool is_product(const Graph& graph, const Node& node);
// A sum of two values that follow the input.
bool is_sum(const Graph& graph, const Node& node);

// Every output channel has a kernel of its own, and reads a single input channel.
bool is_depthwise(const Graph& graph, const Node& node);

// Which dimension of a layer's input and output holds its channels.
int64_t channel_dim(const Graph& graph, const Node& layer);

// Without gradients, ready for arithmetic.
torch::Tensor weight_of(const Graph& graph, const Node& layer);

// Puts a new constant of the same name and type in the place of an operand, which may be none.
void replace_constant(Graph& graph, Node& node, const char* argument, const torch::Tensor& tensor);

}  // namespace braid::compress
