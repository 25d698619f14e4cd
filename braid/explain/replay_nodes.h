// A replay that shows what each operator took and gave.
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::explain {

// values: by id; undefined are those that are not computed yet, or that nothing reads any more.
using AfterNode = std::function<void(size_t node, const std::vector<torch::Tensor>& values)>;
void replay_nodes(const graph::Graph& graph, const torch::Tensor& image, const AfterNode& after);

}  // namespace braid::explain
