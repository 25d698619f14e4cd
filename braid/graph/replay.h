// Runs a graph.
#pragma once
#include <functional>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::graph {

// Every operator once, through LibTorch's dispatcher: autograd, autocast and observers see them as
// they saw the model's. inputs: as the graph's, at any batch size. Throws DataError for inputs of
// other shapes or types.
std::vector<torch::Tensor> replay(const Graph& graph, const std::vector<torch::Tensor>& inputs);

// Called after each operator; may put other tensors of the same shape in place of what it gave.
// values: by id; undefined are those that are not computed yet, or that nothing reads any more.
using AfterNode = std::function<void(const Node& node, std::vector<torch::Tensor>& values)>;
std::vector<torch::Tensor> replay(const Graph& graph, const std::vector<torch::Tensor>& inputs,
                                  const AfterNode& after);

// One operator on these values (all that it takes must be defined) at a batch size.
std::vector<torch::Tensor> call(const Node& node, const std::vector<torch::Tensor>& values,
                                int64_t batch);

}  // namespace braid::graph
