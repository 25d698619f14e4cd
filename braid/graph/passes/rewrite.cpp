#include "braid/graph/passes/rewrite.h"

#include <algorithm>

namespace braid::graph {
namespace {

template <class Visit>
void for_each_read(const Node& node, const Visit& visit) {
  for (const auto& argument : node.arguments)
    for (const ValueId id : argument.values)
      if (id != kNoValue) visit(id);
}

bool contains(const std::vector<ValueId>& ids, ValueId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Uses::Uses(const Graph& graph)
    : reads_(graph.values.size()),
      producer_(graph.values.size(), -1),
      reader_(graph.values.size(), -1) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for_each_read(graph.nodes[i], [&](ValueId id) {
      ++reads_[static_cast<size_t>(id)];
      reader_[static_cast<size_t>(id)] = static_cast<int64_t>(i);
    });
    for (const ValueId id : graph.nodes[i].outputs)
      producer_[static_cast<size_t>(id)] = static_cast<int64_t>(i);
  }
  for (const ValueId id : graph.outputs) ++reads_[static_cast<size_t>(id)];
}

Node* Uses::sole_producer(Graph& graph, ValueId id, std::string_view name) const {
  if (id == kNoValue || producer(id) < 0 || reads(id) != 1) return nullptr;
  auto& node = graph.nodes[static_cast<size_t>(producer(id))];
  return node.name() == name ? &node : nullptr;
}

bool is_output(const Graph& graph, ValueId id) { return contains(graph.outputs, id); }
bool is_input(const Graph& graph, ValueId id) { return contains(graph.inputs, id); }

void replace_value(Graph& graph, ValueId from, ValueId to) {
  for (auto& node : graph.nodes)
    for (auto& argument : node.arguments)
      std::replace(argument.values.begin(), argument.values.end(), from, to);
  if (!is_output(graph, from)) return;
  std::replace(graph.outputs.begin(), graph.outputs.end(), from, to);
  graph.at(to).name = graph.at(from).name;
}

void remove_unused(Graph& graph) {
  std::vector<bool> wanted(graph.values.size());
  const auto want = [&](ValueId id) { wanted[static_cast<size_t>(id)] = true; };
  for (const ValueId id : graph.outputs) want(id);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const auto& node = graph.nodes[i];
    if (std::any_of(node.outputs.begin(), node.outputs.end(),
                    [&](ValueId id) { return wanted[static_cast<size_t>(id)]; }))
      for_each_read(node, want);
  }
  std::erase_if(graph.nodes, [&](const Node& node) {
    return std::none_of(node.outputs.begin(), node.outputs.end(),
                        [&](ValueId id) { return wanted[static_cast<size_t>(id)]; });
  });
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!wanted[i]) graph.values[i].constant = torch::Tensor();
}

Node make_reshape(ValueId input, const Shape& shape, ValueId output, const std::string& module) {
  return {.op = find_operator("aten::reshape"),
          .arguments = {value_argument(input), ints_argument(shape)},
          .outputs = {output},
          .module = module};
}

Node make_permute(ValueId input, const std::vector<int64_t>& dims, ValueId output,
                  const std::string& module) {
  return {.op = find_operator("aten::permute"),
          .arguments = {value_argument(input), ints_argument(constant_shape(dims))},
          .outputs = {output},
          .module = module};
}

Node make_linear(ValueId input, ValueId weight, ValueId bias, ValueId output,
                 const std::string& module) {
  return {.op = find_operator("aten::linear"),
          .arguments = {value_argument(input), value_argument(weight), optional_argument(bias)},
          .outputs = {output},
          .module = module};
}

}  // namespace braid::graph
