// Runs a graph.
#pragma once
#include <vector>

#include "braid/graph/graph.h"

namespace braid::graph {

// Every operator once, through LibTorch's dispatcher: autograd, autocast and observers see them as
// they saw the model's. inputs: as the graph's, at any batch size and length. Throws DataError for
// inputs of other shapes or types.
std::vector<torch::Tensor> replay(const Graph& graph, const std::vector<torch::Tensor>& inputs);

// One operator on these values (all that it takes must be defined), at these sizes of the inputs.
std::vector<torch::Tensor> call(const Node& node, const std::vector<torch::Tensor>& values,
                                Sizes sizes);

}  // namespace braid::graph
