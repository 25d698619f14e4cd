#include <algorithm>
#include <array>

#include "braid/graph/passes/passes.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::graph {
namespace {

constexpr std::array<std::string_view, 3> kDropouts = {"aten::dropout", "aten::feature_dropout",
                                                       "aten::alpha_dropout"};
constexpr std::array<std::string_view, 5> kCopies = {
    "aten::detach", "aten::alias", "aten::contiguous", "aten::clone", "aten::lift_fresh"};
// Nothing happens to a tensor that keeps its shape.
constexpr std::array<std::string_view, 7> kByShape = {"aten::reshape",
                                                      "aten::slice",
                                                      "aten::expand",
                                                      "aten::expand_as",
                                                      "aten::narrow",
                                                      "aten::cat",
                                                      "aten::adaptive_avg_pool2d"};

template <size_t N>
bool is_listed(const Node& node, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), node.name()) != names.end();
}

bool is_rising(const std::vector<int64_t>& dims) {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != static_cast<int64_t>(i)) return false;
  return true;
}

std::vector<int64_t> order_of(const Node& permute, int64_t rank) {
  auto dims = permute.integers("dims");
  for (auto& dim : dims) dim += dim < 0 ? rank : 0;
  return dims;
}

// The input that a node gives back, or kNoValue.
ValueId identity_of(const Graph& graph, const Node& node) {
  if (node.outputs.size() != 1 || node.arguments.empty() || node.arguments[0].values.empty())
    return kNoValue;
  const ValueId input = node.arguments[0].values[0];
  if (input == kNoValue) return kNoValue;
  const auto &from = graph.at(input), &to = graph.at(node.outputs[0]);
  if (is_listed(node, kDropouts)) return node.flag("train") ? kNoValue : input;
  if (is_listed(node, kCopies)) return input;
  if (node.name() == "aten::to" || node.name() == "aten::_to_copy" ||
      node.name() == "aten::type_as")
    return from.dtype == to.dtype ? input : kNoValue;
  if (is_listed(node, kByShape)) return from.shape == to.shape ? input : kNoValue;
  if (node.name() == "aten::constant_pad_nd") {
    const auto& pads = node.argument("pad").ints;
    return std::all_of(pads.begin(), pads.end(), [](const Extent& p) { return p == Extent(); })
               ? input
               : kNoValue;
  }
  if (node.name() == "aten::permute")
    return is_rising(order_of(node, static_cast<int64_t>(from.shape.size()))) ? input : kNoValue;
  return kNoValue;
}

// A reshape of a reshape, a permutation of a permutation.
void join_with_producer(Graph& graph, const Uses& uses, Node& node) {
  const bool reshape = node.name() == "aten::reshape";
  if (!reshape && node.name() != "aten::permute") return;
  const int64_t position = uses.producer(node.value("self"));
  if (position < 0) return;
  const auto& before = graph.nodes[static_cast<size_t>(position)];
  if (before.name() != node.name()) return;
  const ValueId source = before.value("self");
  if (reshape) {
    node.argument("self").values = {source};
    return;
  }
  const auto rank = static_cast<int64_t>(graph.at(source).shape.size());
  const auto inner = order_of(before, rank), outer = order_of(node, rank);
  std::vector<int64_t> dims;
  for (const int64_t dim : outer) dims.push_back(inner[static_cast<size_t>(dim)]);
  node = make_permute(source, dims, node.outputs[0], node.module);
}

void drop_identities(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const ValueId input = identity_of(graph, graph.nodes[i]);
    const ValueId output = graph.nodes[i].outputs.empty() ? kNoValue : graph.nodes[i].outputs[0];
    // An output must be made by an operator.
    const bool given = input != kNoValue && (is_input(graph, input) || graph.is_constant(input) ||
                                             is_output(graph, input));
    if (input != kNoValue && !(given && is_output(graph, output)))
      replace_value(graph, output, input);
  }
  remove_unused(graph);
}

}  // namespace

void remove_identities(Graph& graph) {
  drop_identities(graph);
  const Uses uses(graph);
  for (auto& node : graph.nodes) join_with_producer(graph, uses, node);
  drop_identities(graph);
}

}  // namespace braid::graph
