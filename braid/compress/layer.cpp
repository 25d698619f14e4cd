#include "braid/compress/layer.h"

namespace braid::compress {

bool is_convolution(const Graph& graph, const Node& node) {
  return (node.name() == "aten::conv2d" || node.name() == "aten::conv1d") &&
         graph.is_constant(node.value("weight")) && !graph.is_constant(node.value("input"));
}

bool is_linear(const Graph& graph, const Node& node) {
  return node.name() == "aten::linear" && graph.is_constant(node.value("weight")) &&
         !graph.is_constant(node.value("input")) && graph.at(node.value("input")).shape.size() >= 2;
}

bool is_layer(const Graph& graph, const Node& node) {
  return (is_convolution(graph, node) || is_linear(graph, node)) &&
         (node.value("bias") == graph::kNoValue || graph.is_constant(node.value("bias")));
}

bool is_table(const Graph& graph, const Node& node) {
  if (node.name() != "aten::embedding" && node.name() != "aten::slice" &&
      node.name() != "aten::index_select")
    return false;
  const ValueId id = node.value(table_operand(node));
  if (!graph.is_constant(id) || graph.at(id).dtype != torch::kFloat || !graph.at(id).learned ||
      graph.at(id).shape.size() != 2)
    return false;
  return node.name() == "aten::embedding" || node.integer("dim") == 0;
}

const char* table_operand(const Node& table) {
  return table.name() == "aten::embedding" ? "weight" : "self";
}

bool is_product(const Graph& graph, const Node& node) {
  if (node.name() != "aten::matmul" && node.name() != "aten::bmm") return false;
  return !graph.is_constant(node.arguments.at(0).values.at(0)) &&
         !graph.is_constant(node.arguments.at(1).values.at(0));
}

bool is_sum(const Graph& graph, const Node& node) {
  if (node.name() != "aten::add" || node.argument("other").kind != graph::Argument::Kind::kValue)
    return false;
  return !graph.is_constant(node.value("self")) && !graph.is_constant(node.value("other")) &&
         node.number("alpha") == 1;
}

bool is_depthwise(const Graph& graph, const Node& node) {
  if (!is_convolution(graph, node)) return false;
  const auto& weight = graph.at(node.value("weight")).shape;
  return weight[1].offset == 1 && node.integer("groups") == weight[0].offset &&
         node.integer("groups") > 1;
}

int64_t channel_dim(const Graph& graph, const Node& layer) {
  if (layer.name() != "aten::linear") return 1;
  return static_cast<int64_t>(graph.at(layer.outputs.at(0)).shape.size()) - 1;
}

torch::Tensor weight_of(const Graph& graph, const Node& layer) {
  return graph.at(layer.value("weight")).constant.detach();
}

void replace_constant(Graph& graph, Node& node, const char* argument, const torch::Tensor& tensor) {
  const ValueId old = node.value(argument);
  graph::Value value;
  if (old == graph::kNoValue) {
    value.dtype = tensor.scalar_type();
    value.name = node.module + "." + argument;
    value.learned = true;
  } else {
    value = graph.at(old);
  }
  value.constant = tensor.to(value.dtype).contiguous();
  value.shape = graph::constant_shape(value.constant.sizes());
  graph.values.push_back(value);
  node.argument(argument) = graph::value_argument(static_cast<ValueId>(graph.values.size()) - 1);
}

}  // namespace braid::compress
