#include "braid/runner/last_position.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace braid::runner {
namespace {

bool is_vector(const Graph& graph, const std::string& name) {
  const Tensor* tensor = find_constant(graph, name);
  return tensor != nullptr && tensor->rank() <= 1;
}

bool is_left_out(const FileNode& node, size_t input) {
  return node.inputs.size() <= input || node.inputs[input].empty();
}

// Which input of the operator has the positions, if it makes each position of its output from that
// one alone; none of other operators.
std::optional<size_t> positions_of(const Graph& graph, const FileNode& node) {
  if (node.outputs.size() != 1 || node.inputs.size() < 2) return std::nullopt;
  if (node.op_type == "Add") {
    if (is_vector(graph, node.inputs[1])) return 0;
    if (is_vector(graph, node.inputs[0])) return 1;
    return std::nullopt;
  }
  if (node.op_type != "MatMul" && node.op_type != "braid.Linear" &&
      node.op_type != "braid.QuantizedLinear")
    return std::nullopt;
  const Tensor* weight = find_constant(graph, node.inputs[1]);
  const bool by_rows = weight != nullptr && weight->rank() == 2 && is_left_out(node, 3) &&
                       (is_left_out(node, 2) || is_vector(graph, node.inputs[2]));
  return by_rows ? std::optional<size_t>(0) : std::nullopt;
}

}  // namespace

bool keep_last_position(Graph& graph, const std::string& output, const Tensor& last) {
  std::map<std::string, size_t> maker;
  std::map<std::string, int> readers;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const auto& name : graph.nodes[i].outputs) maker[name] = i;
    for (const auto& name : graph.nodes[i].inputs) ++readers[name];
  }
  for (const auto& name : graph.outputs) ++readers[name];
  std::optional<std::pair<size_t, size_t>> first;  // operator and input, the farthest from the end
  bool has_product = false;
  for (std::string value = output; readers.at(value) == 1 && maker.contains(value);) {
    const size_t at = maker.at(value);
    const auto input = positions_of(graph, graph.nodes[at]);
    if (!input) break;
    first = {at, *input};
    has_product = has_product || graph.nodes[at].op_type != "Add";
    value = graph.nodes[at].inputs[*input];
  }
  const std::string place = "braid.last_position", made = place + ".output";
  const bool is_new = !graph.constants.contains(place) && !maker.contains(place) &&
                      !maker.contains(made) && !readers.contains(place) && !readers.contains(made);
  if (!first || !has_product || !is_new) return false;
  auto& reader = graph.nodes[first->first];
  FileNode gather{.op_type = "Gather",
                  .name = place,
                  .inputs = {reader.inputs[first->second], place},
                  .outputs = {made},
                  .attributes = {}};
  add_attribute(gather, "axis", Attribute::Kind::kInt).integer = 1;
  reader.inputs[first->second] = made;
  graph.constants[place] = last;
  graph.nodes.insert(graph.nodes.begin() + static_cast<int64_t>(first->first), std::move(gather));
  return true;
}

}  // namespace braid::runner
