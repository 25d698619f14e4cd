#include "braid/graph/passes/fuse_for_cpu.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "braid/graph/passes/rewrite.h"
#include "braid/ops/winograd_packed.h"

namespace braid::graph {
namespace {

using torch::Tensor;
using Scalars = c10::List<std::optional<at::Scalar>>;

// As oneDNN's operators take it.
struct Activation {
  std::string name = "none";
  Scalars scalars{};
  std::optional<std::string> algorithm{};
};

std::optional<Activation> activation_of(const Node& node) {
  static const std::map<std::string, std::string> kPlain = {
      {"aten::relu", "relu"},           {"aten::silu", "swish"},
      {"aten::hardswish", "hardswish"}, {"aten::hardsigmoid", "hardsigmoid"},
      {"aten::sigmoid", "sigmoid"},     {"aten::tanh", "tanh"}};
  if (const auto plain = kPlain.find(node.name()); plain != kPlain.end())
    return Activation{.name = plain->second};
  if (node.name() == "aten::gelu")
    return Activation{.name = "gelu",
                      .algorithm = node.argument("approximate").other.toStringRef()};
  if (node.name() == "aten::relu6") return Activation{.name = "hardtanh", .scalars = {0, 6}};
  if (node.name() == "aten::hardtanh")
    return Activation{.name = "hardtanh",
                      .scalars = {node.number("min_val"), node.number("max_val")}};
  return std::nullopt;
}

class Fusing {
 public:
  Fusing(Graph& graph, torch::ScalarType type) : graph_(graph), type_(type), uses_(graph) {
    gone_.resize(graph.nodes.size());
  }

  void run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (graph_.nodes[i].name() == "aten::add") fuse_sum(i);
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!gone_[i] && !replaced_.contains(i)) fuse_layer(i);
    if (type_ == torch::kBFloat16)
      for (auto& node : graph_.nodes) pool_by_sum(node);
    std::vector<Node> nodes;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (gone_[i]) continue;
      auto& node = graph_.nodes[i];
      if (const auto fused = replaced_.find(i); fused != replaced_.end()) {
        node = std::move(fused->second);
        for (const char* input : {"X", "other"})
          if (node.has(input) && !node.is_none(input))
            convert(node.argument(input), node.module, nodes);
        graph_.at(node.outputs[0]).dtype = type_;
      }
      nodes.push_back(std::move(node));
    }
    graph_.nodes = std::move(nodes);
    remove_unused(graph_);
  }

 private:
  // Of constant weights, in a shape that oneDNN takes.
  bool is_convolution(const Node& node) const {
    return node.name() == "aten::conv2d" && node.op.operator_name().overload_name.empty() &&
           graph_.is_constant(node.value("weight")) &&
           (node.is_none("bias") || graph_.is_constant(node.value("bias"))) &&
           graph_.at(node.value("input")).shape.size() == 4;
  }
  bool is_linear(const Node& node) const {
    return node.name() == "aten::linear" && graph_.is_constant(node.value("weight")) &&
           (node.is_none("bias") || graph_.is_constant(node.value("bias"))) &&
           graph_.at(node.value("input")).shape.size() >= 2;
  }

  // Takes over the activation that alone reads the value, or its reshape, which stays.
  Activation take_activation(ValueId& value) {
    int64_t reader = uses_.sole_reader(value);
    const bool reshaped = reader >= 0 && node_at(reader).name() == "aten::reshape";
    const ValueId read = reshaped ? node_at(reader).outputs[0] : value;
    if (reshaped) reader = uses_.sole_reader(read);
    const auto activation = reader < 0 ? std::nullopt : activation_of(node_at(reader));
    if (!activation) return {};
    gone_[static_cast<size_t>(reader)] = true;
    const ValueId activated = node_at(reader).outputs[0];
    if (reshaped)
      replace(activated, read);
    else
      value = activated;
    return *activation;
  }

  const Node& node_at(int64_t position) const {
    return graph_.nodes[static_cast<size_t>(position)];
  }
  // In what is fused already, too.
  void replace(ValueId from, ValueId to) {
    replace_value(graph_, from, to);
    for (auto& [position, fused] : replaced_)
      for (auto& argument : fused.arguments)
        std::replace(argument.values.begin(), argument.values.end(), from, to);
  }

  bool take_relu(ValueId& value) {
    const int64_t reader = uses_.sole_reader(value);
    return reader >= 0 && node_at(reader).name() == "aten::relu" &&
           take_activation(value).name == "relu";
  }

  // convolution + other, then perhaps ReLU: at the sum's place.
  void fuse_sum(size_t sum) {
    const auto& add = graph_.nodes[sum];
    if (add.op.operator_name().overload_name != "Tensor" || add.number("alpha") != 1 ||
        add.argument("other").kind != Argument::Kind::kValue)
      return;
    int64_t last = -1;  // of two convolutions: the other one is there by then
    ValueId other = kNoValue;
    for (const bool first : {true, false}) {
      const ValueId product = add.value(first ? "self" : "other");
      const auto* conv = uses_.sole_producer(graph_, product, "aten::conv2d");
      if (conv == nullptr || !is_convolution(*conv) || uses_.producer(product) < last ||
          graph_.at(product).shape != graph_.at(add.outputs[0]).shape)
        continue;
      last = uses_.producer(product);
      other = add.value(first ? "other" : "self");
    }
    if (last < 0 || graph_.is_constant(other) || gone_[static_cast<size_t>(last)] ||
        graph_.at(other).shape != graph_.at(add.outputs[0]).shape ||
        graph_.at(other).dtype != torch::kFloat)
      return;
    const auto& conv = graph_.nodes[static_cast<size_t>(last)];
    ValueId output = add.outputs[0];
    const bool relu = take_relu(output);  // the operators know no other one behind a sum
    if (is_filtered(conv)) {
      gone_[static_cast<size_t>(last)] = true;
      replaced_.emplace(sum, filtered(conv, output, value_argument(other), relu));
      return;
    }
    auto node = convolution(conv, output, "binary");
    node.arguments = {value_argument(conv.value("input")),
                      value_argument(other),
                      node.arguments[1],
                      node.arguments[2],
                      conv.argument("padding"),
                      conv.argument("stride"),
                      conv.argument("dilation"),
                      conv.argument("groups"),
                      other_argument("add"),
                      other_argument(c10::IValue(at::Scalar(1.0))),
                      relu ? other_argument(std::string("relu")) : other_argument({}),
                      other_argument(Scalars()),
                      other_argument({})};
    gone_[static_cast<size_t>(last)] = true;
    replaced_.emplace(sum, std::move(node));
  }

  void fuse_layer(size_t i) {
    const auto& layer = graph_.nodes[i];
    const bool conv = is_convolution(layer);
    if (!conv && !is_linear(layer)) return;
    ValueId output = layer.outputs[0];
    if (conv && is_filtered(layer)) {
      const bool relu = take_relu(output);
      replaced_.emplace(i, filtered(layer, output, other_argument({}), relu));
      return;
    }
    const auto activation = take_activation(output);
    auto node = conv ? convolution(layer, output, "") : linear(layer, output);
    node.arguments.push_back(other_argument(activation.name));
    node.arguments.push_back(other_argument(activation.scalars));
    node.arguments.push_back(other_argument(c10::IValue(activation.algorithm)));
    replaced_.emplace(i, std::move(node));
  }

  // By ops/global_avg_pool.h.
  void pool_by_sum(Node& node) const {
    if (node.name() != "aten::mean" || !node.has("dim") || node.is_none("dim") ||
        !node.is_none("dtype"))
      return;
    const auto rank = static_cast<int64_t>(graph_.at(node.value("self")).shape.size());
    auto positions = node.integers("dim");
    for (auto& dim : positions) dim = dim < 0 ? dim + rank : dim;
    std::sort(positions.begin(), positions.end());
    const bool is_map = rank == 4 && positions == std::vector<int64_t>{2, 3};
    const bool is_row = rank == 3 && positions == std::vector<int64_t>{1};
    if (!is_map && !is_row) return;
    node.arguments = {node.argument("self"), node.argument("keepdim")};
    node.op = find_operator("braid::global_avg_pool");
  }

  // By ops/winograd_packed.h.
  bool is_filtered(const Node& conv) const {
    const auto& weight = graph_.at(conv.value("weight")).constant;
    const auto size = shape_at(graph_.at(conv.value("input")).shape, 1);
    const std::vector<int64_t> one = {1, 1};
    return type_ == torch::kFloat && weight.scalar_type() == torch::kFloat && weight.size(2) == 3 &&
           weight.size(3) == 3 && conv.integers("stride") == one &&
           conv.integers("padding") == one && conv.integers("dilation") == one &&
           conv.integer("groups") == 1 &&
           ops::suits_packed_winograd(weight.size(1), weight.size(0), size.at(2), size.at(3));
  }
  Node filtered(const Node& conv, ValueId output, const Argument& other, bool relu) {
    const Value weight = graph_.at(conv.value("weight"));  // a constant more may move it
    return {.op = find_operator("braid::winograd_conv3x3_packed"),
            .arguments = {value_argument(conv.value("input")),
                          constant(ops::pack_winograd_filters(weight.constant), weight.name),
                          bias_of(conv), other, other_argument(weight.constant.size(0)),
                          other_argument(relu)},
            .outputs = {output},
            .module = conv.module};
  }

  // Without the arguments that say what follows.
  Node convolution(const Node& conv, ValueId output, const std::string& overload) {
    const auto& weight = graph_.at(conv.value("weight"));
    const auto padding = conv.integers("padding"), stride = conv.integers("stride"),
               dilation = conv.integers("dilation");
    static const auto reorder =
        find_operator("mkldnn::_reorder_convolution_weight")
            .typed<Tensor(const Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                          at::OptionalIntArrayRef)>();
    const auto size = shape_at(graph_.at(conv.value("input")).shape, 1);
    const auto packed = reorder.call(weight.constant.detach().to(type_), padding, stride, dilation,
                                     conv.integer("groups"), at::IntArrayRef(size));
    return {.op = find_operator("mkldnn::_convolution_pointwise", overload),
            .arguments = {value_argument(conv.value("input")), constant(packed, weight.name),
                          bias_of(conv), conv.argument("padding"), conv.argument("stride"),
                          conv.argument("dilation"), conv.argument("groups")},
            .outputs = {output},
            .module = conv.module};
  }

  Node linear(const Node& layer, ValueId output) {
    const auto& weight = graph_.at(layer.value("weight"));
    static const auto reorder = find_operator("mkldnn::_reorder_linear_weight")
                                    .typed<Tensor(const Tensor&, std::optional<int64_t>)>();
    const auto packed = reorder.call(weight.constant.detach().to(type_), std::nullopt);
    return {.op = find_operator("mkldnn::_linear_pointwise"),
            .arguments = {value_argument(layer.value("input")), constant(packed, weight.name),
                          bias_of(layer)},
            .outputs = {output},
            .module = layer.module};
  }

  Argument bias_of(const Node& layer) {
    if (layer.is_none("bias")) return other_argument({});
    const auto& bias = graph_.at(layer.value("bias"));
    return constant(bias.constant.detach().to(type_), bias.name);
  }

  Argument constant(const Tensor& tensor, const std::string& name) {
    Value value{.dtype = type_,
                .shape = constant_shape(tensor.sizes()),
                .constant = tensor,
                .name = name,
                .learned = true};
    graph_.values.push_back(std::move(value));
    return value_argument(static_cast<ValueId>(graph_.values.size()) - 1);
  }

  // In `type`, once for all that read it.
  void convert(Argument& argument, const std::string& module, std::vector<Node>& nodes) {
    auto& id = argument.values.at(0);
    if (graph_.at(id).dtype == type_) return;
    const auto [known, is_new] = converted_.emplace(id, kNoValue);
    if (is_new) {
      graph_.values.push_back(
          {.dtype = type_, .shape = graph_.at(id).shape, .constant = {}, .name = {}});
      known->second = static_cast<ValueId>(graph_.values.size()) - 1;
      nodes.push_back(
          {.op = find_operator("aten::to", "dtype"),
           .arguments = {value_argument(id), other_argument(static_cast<int64_t>(type_)),
                         other_argument(false), other_argument(false), other_argument({})},
           .outputs = {known->second},
           .module = module});
    }
    id = known->second;
  }

  Graph& graph_;
  const torch::ScalarType type_;
  const Uses uses_;
  std::vector<bool> gone_;           // nodes that are part of others
  std::map<size_t, Node> replaced_;  // by position
  std::map<ValueId, ValueId> converted_;
};

// Whether oneDNN computes in the type here.
bool has_onednn(torch::ScalarType type) {
  auto& known = c10::Dispatcher::singleton();
  if (!at::hasMKLDNN() || !known.findSchema({"mkldnn::_convolution_pointwise", ""})) return false;
  const auto bf16 = known.findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
  return type == torch::kFloat || (bf16 && bf16->typed<bool()>().call());
}

}  // namespace

void fuse_for_cpu(Graph& graph, torch::ScalarType type) {
  if (!has_onednn(type)) return;
  const torch::NoGradGuard no_grad;
  Fusing(graph, type).run();
}

}  // namespace braid::graph
