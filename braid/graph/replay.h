// Runs a graph.
#pragma once
#include <functional>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::graph {

// Every operator once, through LibTorch's dispatcher: autograd, autocast and observers see them as
// they saw the model's. inputs: as the graph's, at any batch size and lengths. Throws DataError for
// inputs of other shapes or types.
std::vector<torch::Tensor> replay(const Graph& graph, const std::vector<torch::Tensor>& inputs);

// Is shown every value that depends on the inputs, those first, as soon as it is known; what it
// leaves in `tensor` is what later operators read.
using SeeValue = std::function<void(ValueId value, torch::Tensor& tensor)>;
std::vector<torch::Tensor> replay(const Graph& graph, const std::vector<torch::Tensor>& inputs,
                                  const SeeValue& see);

// The same for several batches of different sizes, each operator on all of them before the next, so
// that what is learned of a value over all batches can change what later operators read.
using SeeValues = std::function<void(ValueId value, std::vector<torch::Tensor>& of_batches)>;
std::vector<std::vector<torch::Tensor>> replay_together(
    const Graph& graph, const std::vector<std::vector<torch::Tensor>>& batches,
    const SeeValues& see);

// A graph that is run again and again: what a run has to know of it is found out once.
class Replayer {
 public:
  explicit Replayer(Graph graph);
  std::vector<torch::Tensor> operator()(const std::vector<torch::Tensor>& inputs) const;
  const Graph& graph() const { return graph_; }

 private:
  Graph graph_;
  std::vector<std::vector<ValueId>> last_reads_;  // for each node, what nothing reads after it
};

// N, L and M of these inputs; 1 and 0 where the graph's do not say.
Sizes sizes_of(const Graph& graph, const std::vector<torch::Tensor>& inputs);

// One operator on these values (all that it takes must be defined), at these sizes of the inputs.
std::vector<torch::Tensor> call(const Node& node, const std::vector<torch::Tensor>& values,
                                Sizes sizes);

}  // namespace braid::graph
