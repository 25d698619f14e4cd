#include "braid/compress/insert_qdq.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::compress {
namespace {

using torch::Tensor;

class Inserter {
 public:
  Inserter(const Graph& graph, const Placement& placement, const Ranges& ranges,
           const WeightGrids& weights)
      : source_(graph), placement_(placement), ranges_(ranges), weights_(weights) {
    graph_.values = graph.values;
    graph_.inputs = graph.inputs;
    graph_.outputs = graph.outputs;
  }

  Graph insert() {
    for (const ValueId id : source_.inputs) quantize(id, "");
    for (const auto& node : source_.nodes) {
      const bool unit = placement_.units.contains(node.outputs.at(0));
      if (unit && is_layer(source_, node))
        add_layer(node);
      else if (unit && is_table(source_, node))
        add_table(node);
      else
        graph_.nodes.push_back(with_quantized_operands(node));
      for (const ValueId id : node.outputs) quantize(id, node.module);
    }
    graph::remove_unused(graph_);
    return std::move(graph_);
  }

 private:
  ValueId new_value(const graph::Shape& shape, torch::ScalarType dtype = torch::kFloat) {
    graph_.values.push_back({.dtype = dtype, .shape = shape, .constant = {}, .name = ""});
    return static_cast<ValueId>(graph_.values.size()) - 1;
  }

  void quantize(ValueId id, const std::string& module) {
    const auto site = placement_.sites.find(id);
    if (site == placement_.sites.end()) return;
    const auto range = ranges_.find(site->second.range_of);
    if (range == ranges_.end())
      throw InternalError("quantize", "expected a range for every quantized value, got none");
    const auto params = affine_params(range->second);
    const ValueId output = new_value(source_.at(id).shape);
    graph_.nodes.push_back(
        {.op = graph::find_operator("aten::fake_quantize_per_tensor_affine"),
         .arguments = {graph::value_argument(id), graph::other_argument(params.scale),
                       graph::int_argument(params.zero_point), graph::int_argument(0),
                       graph::int_argument(kMostActivation)},
         .outputs = {output},
         .module = module});
    quantized_[id] = output;
  }

  // Operators that are computed in 8 bits take the quantized values, and so does what rearranges
  // them.
  bool takes_quantized(const Node& node) const {
    const ValueId output = node.outputs.at(0);
    if (placement_.units.contains(output)) return true;
    const auto site = placement_.sites.find(output);
    return site != placement_.sites.end() && is_rearrangement(node) &&
           site->second.range_of != output;
  }

  Node with_quantized_operands(const Node& node) const {
    Node copy = node;
    const bool takes = takes_quantized(node);
    for (auto& argument : copy.arguments)
      for (auto& id : argument.values) {
        const auto it = quantized_.find(id);
        if (it != quantized_.end() && (takes || placement_.sites.at(id).for_all)) id = it->second;
      }
    return copy;
  }

  // A constant on its grid, whose scales go along `axis` of the tensor.
  ValueId quantized_weight(const Tensor& weight, const std::string& name, const WeightGrid& grid,
                           int64_t axis, const std::string& module) {
    const auto& scales = grid.scales;
    const ValueId constant = graph_.add_constant(weight.contiguous(), name);
    graph_.at(constant).learned = true;
    const ValueId output = new_value(graph_.at(constant).shape);
    Node node{.op = graph::find_operator("aten::fake_quantize_per_tensor_affine"),
              .arguments = {graph::value_argument(constant)},
              .outputs = {output},
              .module = module};
    if (scales.numel() == 1) {
      node.arguments.push_back(graph::other_argument(scales.item<double>()));
      node.arguments.push_back(graph::int_argument(0));
    } else {
      const ValueId scale = graph_.add_constant(scales.contiguous(), name + "_scale");
      const ValueId zero = graph_.add_constant(torch::zeros({scales.numel()}, torch::kInt));
      node.op = graph::find_operator("aten::fake_quantize_per_channel_affine");
      node.arguments.push_back(graph::value_argument(scale));
      node.arguments.push_back(graph::value_argument(zero));
      node.arguments.push_back(graph::int_argument(axis));
    }
    node.arguments.push_back(graph::int_argument(-grid.most));
    node.arguments.push_back(graph::int_argument(grid.most));
    graph_.nodes.push_back(node);
    return output;
  }

  void add_layer(const Node& layer) {
    const ValueId id = layer.value("weight");
    const auto& name = source_.at(id).name;
    const auto weight = weight_of(source_, layer);
    const auto& grid = weights_.at(id);
    Node node = with_quantized_operands(layer);
    const auto& input = source_.at(layer.value("input")).shape;
    if (!is_linear(source_, layer) || input.size() == 2) {
      node.argument("weight").values = {quantized_weight(weight, name, grid, 0, layer.module)};
      graph_.nodes.push_back(node);
      return;
    }
    const ValueId matrix = quantized_weight(weight.t(), name, grid, 1, layer.module);
    const ValueId bias = layer.value("bias"), output = layer.outputs[0];
    const ValueId product = bias == graph::kNoValue ? output : new_value(source_.at(output).shape);
    graph_.nodes.push_back({.op = graph::find_operator("aten::matmul"),
                            .arguments = {node.argument("input"), graph::value_argument(matrix)},
                            .outputs = {product},
                            .module = layer.module});
    if (bias == graph::kNoValue) return;
    graph_.nodes.push_back({.op = graph::find_operator("aten::add", "Tensor"),
                            .arguments = {graph::value_argument(product),
                                          graph::value_argument(bias), graph::int_argument(1)},
                            .outputs = {output},
                            .module = layer.module});
  }

  // The same rows of another matrix.
  ValueId rows_of(const Node& table, const Tensor& matrix, const std::string& name) {
    auto shape = source_.at(table.outputs.at(0)).shape;
    shape.back() = {.offset = matrix.size(1)};
    const ValueId rows = new_value(shape, matrix.scalar_type());
    Node node = table;
    node.argument(table_operand(table)) =
        graph::value_argument(graph_.add_constant(matrix.contiguous(), name));
    node.outputs = {rows};
    graph_.nodes.push_back(node);
    return rows;
  }

  void add_table(const Node& table) {
    const ValueId id = table.value(table_operand(table)), output = table.outputs[0];
    const auto& grid = weights_.at(id);
    const auto name = source_.at(id).name;
    const auto integers = quantize_weight(source_.at(id).constant.detach(), grid);
    const ValueId rows = rows_of(table, integers.to(torch::kChar), name);
    const ValueId numbers = new_value(source_.at(output).shape);
    graph_.nodes.push_back(
        {.op = graph::find_operator("aten::to", "dtype"),
         .arguments = {graph::value_argument(rows),
                       graph::other_argument(static_cast<int64_t>(torch::kFloat)),
                       graph::other_argument(false), graph::other_argument(false),
                       graph::other_argument({})},
         .outputs = {numbers},
         .module = table.module});
    const bool one = grid.scales.numel() == 1;
    const auto scales =
        one ? graph::other_argument(grid.scales.item<double>())
            : graph::value_argument(rows_of(table, grid.scales.view({-1, 1}), name + "_scale"));
    graph_.nodes.push_back({.op = graph::find_operator("aten::mul", one ? "Scalar" : "Tensor"),
                            .arguments = {graph::value_argument(numbers), scales},
                            .outputs = {output},
                            .module = table.module});
  }

  const Graph& source_;
  const Placement& placement_;
  const Ranges& ranges_;
  const WeightGrids& weights_;
  Graph graph_;
  std::map<ValueId, ValueId> quantized_;
};

}  // namespace

WeightGrids grids_of_weights(const Graph& graph, const Placement& placement,
                             const WeightScheme& scheme) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kCoarse = 7;  // bits below which small layers are spared
  std::vector<const Node*> layers;
  for (const auto& node : graph.nodes)
    if (is_layer(graph, node)) layers.push_back(&node);
  WeightGrids grids;
  auto of_tables = scheme;
  of_tables.bits = 8;
  for (const auto& node : graph.nodes) {
    if (!is_table(graph, node) || !placement.units.contains(node.outputs.at(0))) continue;
    const ValueId id = node.value(table_operand(node));
    if (!grids.contains(id))
      grids[id] = {weight_scales(graph.at(id).constant.detach(), of_tables), of_tables.most()};
  }
  for (const auto* layer : layers) {
    const ValueId id = layer->value("weight");
    if (!placement.units.contains(layer->outputs.at(0)) || grids.contains(id)) continue;
    auto own = scheme;
    if (scheme.bits < kCoarse &&
        (layer == layers.front() || layer == layers.back() || is_depthwise(graph, *layer)))
      own.bits = 8;
    grids[id] = {weight_scales(weight_of(graph, *layer), own), own.most()};
  }
  return grids;
}

Graph insert_qdq(const Graph& graph, const Placement& placement, const Ranges& ranges,
                 const WeightGrids& weights) {
  const torch::NoGradGuard no_grad;
  return Inserter(graph, placement, ranges, weights).insert();
}

}  // namespace braid::compress
