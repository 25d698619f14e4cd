#include "braid/graph/passes/passes.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::graph {
namespace {

bool is_matrix(const Graph& graph, ValueId id) {
  return graph.is_constant(id) && graph.at(id).shape.size() == 2;
}

// The constant [I,O] as the weight [O,I] of a linear layer.
ValueId transposed_constant(Graph& graph, ValueId id) {
  const Value value = graph.at(id);
  const ValueId weight = graph.add_constant(value.constant.detach().t().contiguous(), value.name);
  graph.at(weight).learned = value.learned;
  return weight;
}

bool is_one(const Node& node, const char* argument) { return node.number(argument) == 1; }

// matmul, mm and addmm by a constant matrix.
void form_from_product(Graph& graph, Node& node) {
  const bool product = node.name() == "aten::matmul" || node.name() == "aten::mm";
  const bool sum = node.name() == "aten::addmm";
  if (!product && !sum) return;
  const ValueId matrix =
      sum ? node.value("mat2") : node.value(product && node.has("other") ? "other" : "mat2");
  const ValueId input = sum ? node.value("mat1") : node.value("self");
  if (!is_matrix(graph, matrix) || graph.is_constant(input) || graph.at(input).shape.size() < 2)
    return;
  ValueId bias = kNoValue;
  if (sum) {
    bias = node.value("self");
    const auto& width = graph.at(matrix).shape[1];
    if (!graph.is_constant(bias) || graph.at(bias).shape != Shape{width} ||
        !is_one(node, "alpha") || !is_one(node, "beta"))
      return;
  }
  node = make_linear(input, transposed_constant(graph, matrix), bias, node.outputs[0], node.module);
}

// linear without a bias, then + b.
bool join_bias(Graph& graph, const Uses& uses, Node& node) {
  if (node.name() != "aten::add" || !node.has("other") ||
      node.argument("other").kind != Argument::Kind::kValue || !is_one(node, "alpha"))
    return false;
  for (const bool first : {true, false}) {
    const ValueId product = node.value(first ? "self" : "other");
    const ValueId bias = node.value(first ? "other" : "self");
    const auto* linear = uses.sole_producer(graph, product, "aten::linear");
    if (linear == nullptr || !linear->is_none("bias") || !graph.is_constant(bias)) continue;
    const auto tensor = graph.at(bias).constant;
    if (tensor.dim() == 0 || graph.at(product).shape.back() != Extent{0, tensor.numel()} ||
        tensor.size(-1) != tensor.numel() ||
        graph.at(product).shape != graph.at(node.outputs[0]).shape)  // [1,1,D] gives dimensions too
      continue;
    const ValueId input = linear->value("input"), weight = linear->value("weight");
    const auto module = linear->module;
    const Value old = graph.at(bias);
    const ValueId flat = graph.add_constant(tensor.detach().reshape({-1}), old.name);
    graph.at(flat).learned = old.learned;
    node = make_linear(input, weight, flat, node.outputs[0], module);
    return true;
  }
  return false;
}

}  // namespace

void form_linear(Graph& graph) {
  for (auto& node : graph.nodes) form_from_product(graph, node);
  const Uses uses(graph);
  for (auto& node : graph.nodes) join_bias(graph, uses, node);
  remove_unused(graph);
}

}  // namespace braid::graph
