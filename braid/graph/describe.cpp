#include "braid/graph/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "braid/models/operator_macs.h"
#include "braid/models/text/text_model.h"

namespace braid::graph {
namespace {

std::string plain_name(const Node& node) {
  const auto& name = node.name();
  const auto colon = name.rfind(':');
  const bool of_libtorch = name.starts_with("aten::");
  return of_libtorch ? name.substr(colon + 1) : name;
}

// One example; a text of as many tokens as the costs of models are stated for.
const Sizes kExample(1, models::kExampleTokens, models::kExampleTokens);

int64_t numbers_in(const Shape& shape) {
  const auto sizes = shape_at(shape, kExample);
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

// Of one example.
int64_t macs_of(const Graph& graph, const Node& node) {
  std::vector<std::vector<int64_t>> inputs;
  for (const auto& argument : node.arguments) {
    const bool tensor = argument.kind == Argument::Kind::kValue;
    inputs.push_back(tensor ? shape_at(graph.at(argument.values.at(0)).shape, kExample)
                            : std::vector<int64_t>());
  }
  return models::macs_of_operator(node.name(), inputs,
                                  numbers_in(graph.at(node.outputs.at(0)).shape))
      .value_or(0);
}

int64_t params_of(const Graph& graph, const Node& node, std::set<std::string>& counted) {
  int64_t params = 0;
  for (const auto& argument : node.arguments)
    for (const ValueId id : argument.values)
      if (graph.is_constant(id) && graph.at(id).learned && counted.insert(graph.at(id).name).second)
        params += graph.at(id).constant.numel();
  return params;
}

std::vector<std::string> shapes_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> shapes;
  for (const ValueId id : ids)
    if (id != kNoValue && !graph.is_constant(id)) shapes.push_back(to_text(graph.at(id).shape));
  return shapes;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

void OperatorRow::visit(FieldVisitor& v) {
  v.field("name", name, "operator of LibTorch");
  v.field("calls", calls, "how often it runs");
  v.field("largest", largest,
          "shape of its largest output, N the batch, L the tokens of a text, M those of the text "
          "that a decoder reads");
  v.field("params", params, "parameters, each where it is first used");
  v.field("macs", macs, "multiply-accumulates of one example");
}

void NodeRow::visit(FieldVisitor& v) {
  v.field("name", name, "operator of LibTorch");
  v.field("module", module, "the module that calls it");
  v.field("inputs", inputs, "shapes of what it takes, without constants");
  v.field("outputs", outputs, "shapes of what it gives, N the batch");
  v.field("params", params, "parameters, each where it is first used");
  v.field("macs", macs, "multiply-accumulates of one example");
}

std::vector<NodeRow> node_rows(const Graph& graph) {
  std::vector<NodeRow> rows;
  std::set<std::string> counted;
  for (const auto& node : graph.nodes) {
    NodeRow row{.name = plain_name(node),
                .module = node.module,
                .inputs = {},
                .outputs = shapes_of(graph, node.outputs),
                .params = params_of(graph, node, counted),
                .macs = macs_of(graph, node)};
    for (const auto& argument : node.arguments)
      for (auto& shape : shapes_of(graph, argument.values)) row.inputs.push_back(std::move(shape));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<OperatorRow> operator_rows(const Graph& graph) {
  std::map<std::string, OperatorRow> by_name;
  std::map<std::string, int64_t> largest;
  std::set<std::string> counted;
  for (const auto& node : graph.nodes) {
    auto& row = by_name[plain_name(node)];
    row.name = plain_name(node);
    ++row.calls;
    row.params += params_of(graph, node, counted);
    row.macs += macs_of(graph, node);
    for (const ValueId id : node.outputs) {
      const auto& shape = graph.at(id).shape;
      if (numbers_in(shape) <= largest[row.name]) continue;
      largest[row.name] = numbers_in(shape);
      row.largest = to_text(shape);
    }
  }
  std::vector<OperatorRow> rows;
  for (auto& item : by_name) rows.push_back(std::move(item.second));
  std::stable_sort(rows.begin(), rows.end(), [](const OperatorRow& a, const OperatorRow& b) {
    return std::pair(a.macs, a.calls) > std::pair(b.macs, b.calls);
  });
  return rows;
}

std::string to_dot(const Graph& graph, const std::string& title) {
  std::string dot = fmt::format(
      "digraph {} {{\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];\n"
      "  edge [fontname=\"sans-serif\", fontsize=9];\n",
      quoted(title));
  for (const ValueId id : graph.inputs)
    dot += fmt::format("  v{} [label={}, shape=oval];\n", id,
                       quoted(graph.at(id).name + " " + to_text(graph.at(id).shape)));
  std::map<ValueId, size_t> made_by;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto& node = graph.nodes[i];
    dot += fmt::format("  n{} [label={}, tooltip={}];\n", i, quoted(plain_name(node)),
                       quoted(node.module));
    for (const auto& argument : node.arguments)
      for (const ValueId id : argument.values) {
        if (id == kNoValue || graph.is_constant(id)) continue;
        const auto it = made_by.find(id);
        const auto from =
            it == made_by.end() ? fmt::format("v{}", id) : fmt::format("n{}", it->second);
        dot +=
            fmt::format("  {} -> n{} [label={}];\n", from, i, quoted(to_text(graph.at(id).shape)));
      }
    for (const ValueId id : node.outputs) made_by[id] = i;
  }
  for (const ValueId id : graph.outputs) {
    dot += fmt::format("  v{} [label={}, shape=oval];\n", id, quoted(graph.at(id).name));
    if (const auto it = made_by.find(id); it != made_by.end())
      dot += fmt::format("  n{} -> v{} [label={}];\n", it->second, id,
                         quoted(to_text(graph.at(id).shape)));
  }
  return dot + "}\n";
}

}  // namespace braid::graph
