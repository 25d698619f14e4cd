#include "braid/explain/replay_nodes.h"

#include "braid/graph/replay.h"

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;

// For each node, the values that nothing reads after it.
std::vector<std::vector<ValueId>> dead_after(const graph::Graph& graph) {
  std::vector<bool> read_later(graph.values.size());
  for (const ValueId id : graph.outputs) read_later[static_cast<size_t>(id)] = true;
  std::vector<std::vector<ValueId>> dead(graph.nodes.size());
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const auto see = [&](ValueId id) {
      if (id == graph::kNoValue || read_later[static_cast<size_t>(id)]) return;
      read_later[static_cast<size_t>(id)] = true;
      dead[i].push_back(id);
    };
    for (const auto& argument : graph.nodes[i].arguments)
      for (const ValueId id : argument.values) see(id);
    for (const ValueId id : graph.nodes[i].outputs) see(id);
  }
  return dead;
}

}  // namespace

void replay_nodes(const graph::Graph& graph, const Tensor& image, const AfterNode& after) {
  std::vector<Tensor> values;
  for (const auto& value : graph.values) values.push_back(value.constant);
  const auto dead = dead_after(graph);
  size_t node = 0;
  graph::replay(graph, {image}, [&](ValueId id, Tensor& tensor) {
    values[static_cast<size_t>(id)] = tensor;
    if (node == graph.nodes.size() || id != graph.nodes[node].outputs.back()) return;
    after(node, values);
    for (const ValueId gone : dead[node]) values[static_cast<size_t>(gone)] = Tensor();
    ++node;
  });
}

}  // namespace braid::explain
