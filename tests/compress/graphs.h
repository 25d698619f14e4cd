// Small graphs for tests of quantization.
#pragma once
#include <functional>
#include <vector>

#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"

namespace braid::compress {

// A function of x [N,sizes..], captured and simplified. What it uses are constants of the graph.
inline graph::Graph graph_of(const std::function<torch::Tensor(const torch::Tensor&)>& run,
                             const std::vector<int64_t>& sizes) {
  using Tensors = graph::CaptureRequest::Tensors;
  const torch::NoGradGuard no_grad;
  auto graph = graph::capture({.run = [run](const Tensors& x) { return Tensors{run(x.at(0))}; },
                               .example =
                                   [sizes](graph::Sizes of_run) {
                                     auto shape = sizes;
                                     shape.insert(shape.begin(), of_run.batch);
                                     return Tensors{torch::randn(shape)};
                                   },
                               .module = nullptr,
                               .input_names = {"x"},
                               .output_names = {"y"}});
  graph::simplify(graph);
  return graph;
}

inline int64_t count_of(const graph::Graph& graph, const std::string& name) {
  int64_t count = 0;
  for (const auto& node : graph.nodes) count += node.name() == name ? 1 : 0;
  return count;
}

}  // namespace braid::compress
