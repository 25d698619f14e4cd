#include "braid/compress/placement.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "braid/graph/passes/rewrite.h"

namespace braid::compress {
namespace {

// One range over a split value would serve its parts (queries, keys, values) badly: splits are not
// among them.
constexpr std::array<std::string_view, 4> kRearrangements = {
    "aten::reshape", "aten::permute", "aten::max_pool2d", "aten::upsample_nearest2d"};
// What a convolution's result may go through and still be part of a convolutional stream.
constexpr std::array<std::string_view, 12> kActivations = {
    "aten::relu",       "aten::relu6",     "aten::clamp",      "aten::clamp_min",
    "aten::hardtanh",   "aten::hardswish", "aten::silu",       "aten::gelu",
    "aten::leaky_relu", "aten::mish",      "aten::max_pool2d", "aten::avg_pool2d"};
// Engines make these part of the quantization that follows.
constexpr std::array<std::string_view, 4> kClips = {"aten::relu", "aten::relu6", "aten::clamp",
                                                    "aten::hardtanh"};

template <size_t N>
bool is_one_of(const Node& node, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), node.name()) != names.end();
}

bool has_tensor_bounds(const Node& node) {
  return std::any_of(node.arguments.begin() + 1, node.arguments.end(),
                     [](const auto& a) { return a.kind == graph::Argument::Kind::kValue; });
}

// What masks put in the place of a number: minus infinity, or nearly so.
bool is_masking(const Graph& graph, const Node& node) {
  constexpr double kLeast = -1e30;
  const bool fills = node.name() == "aten::masked_fill", chooses = node.name() == "aten::where";
  if (!fills && !chooses) return false;
  const auto hides = [&](const char* argument) {
    if (!node.has(argument)) return false;
    const auto& filled = node.argument(argument);
    if (filled.other.isDouble()) return filled.other.toDouble() < kLeast;
    return filled.kind == graph::Argument::Kind::kValue && graph.is_constant(filled.values[0]) &&
           graph.at(filled.values[0]).constant.min().item<double>() < kLeast;
  };
  return fills ? hides("value") : hides("self") || hides("other");
}

// Ends the influence of what is hidden.
constexpr std::array<std::string_view, 4> kHidesAway = {"aten::softmax", "aten::amax", "aten::max",
                                                        "aten::scaled_dot_product_attention"};

// Values that hold hidden numbers.
std::set<ValueId> masked_values(const Graph& graph) {
  std::set<ValueId> hidden;
  for (const auto& node : graph.nodes) {
    bool holds = is_masking(graph, node);
    for (const auto& argument : node.arguments)
      for (const ValueId id : argument.values) holds = holds || hidden.contains(id);
    if (holds && !is_one_of(node, kHidesAway))
      hidden.insert(node.outputs.begin(), node.outputs.end());
  }
  return hidden;
}

class Placer {
 public:
  Placer(const Graph& graph, const std::set<ValueId>& in_float)
      : graph_(graph), uses_(graph), in_float_(in_float), readers_(graph.values.size()) {
    for (const auto& node : graph.nodes)
      for (const auto& argument : node.arguments)
        for (const ValueId id : argument.values)
          if (id != graph::kNoValue) readers_[static_cast<size_t>(id)].push_back(&node);
  }

  Placement place() {
    for (const auto& node : graph_.nodes) {
      const ValueId output = node.outputs.at(0);
      const bool stays = in_float_.contains(output);
      if (is_layer(graph_, node) && !stays) {
        placement_.units.insert(output);
        want(node.value("input"));
        if (is_convolution(graph_, node)) give(output);
      } else if (is_table(graph_, node) && !stays) {
        placement_.units.insert(output);
      } else if (is_product(graph_, node) && !stays) {
        placement_.units.insert(output);
        for (const auto& argument : node.arguments)
          for (const ValueId id : argument.values) want(id);
      } else if (is_sum(graph_, node) && !stays && is_convolutional(node.value("self")) &&
                 is_convolutional(node.value("other"))) {
        placement_.units.insert(output);
        want(node.value("self"));
        want(node.value("other"));
        give(output);
      }
    }
    return placement_;
  }

 private:
  const Node* producer(ValueId id) const {
    const int64_t position = uses_.producer(id);
    return position < 0 ? nullptr : &graph_.nodes[static_cast<size_t>(position)];
  }

  // An operand of an operator that is computed in 8 bits.
  ValueId want(ValueId id) {
    if (graph_.is_constant(id) || graph_.at(id).dtype != torch::kFloat) return id;
    const auto it = placement_.sites.find(id);
    if (it != placement_.sites.end()) return it->second.range_of;
    const auto* node = producer(id);
    Site site{.for_all = false, .range_of = id};
    if (node != nullptr && is_rearrangement(*node))
      site.range_of = want(node->arguments.at(0).values.at(0));
    placement_.sites[id] = site;
    return site.range_of;
  }

  // A result that is quantized before anything reads it, after a clip that alone reads it.
  void give(ValueId id) {
    const auto& readers = readers_.at(static_cast<size_t>(id));
    if (uses_.reads(id) == 1 && readers.size() == 1 && is_one_of(*readers[0], kClips) &&
        !has_tensor_bounds(*readers[0]))
      return give(readers[0]->outputs.at(0));
    if (graph::is_output(graph_, id)) return;
    placement_.sites[id] = {.for_all = true, .range_of = id};
  }

  // A feature map that comes from a convolution, or from a sum of such.
  bool is_convolutional(ValueId id) const {
    if (graph_.at(id).shape.size() != 4) return false;
    const auto* node = producer(id);
    if (node == nullptr) return false;
    if (is_convolution(graph_, *node)) return true;
    if (is_one_of(*node, kActivations)) return is_convolutional(node->arguments.at(0).values.at(0));
    return is_sum(graph_, *node) && is_convolutional(node->value("self")) &&
           is_convolutional(node->value("other"));
  }

  const Graph& graph_;
  graph::Uses uses_;
  const std::set<ValueId>& in_float_;
  std::vector<std::vector<const Node*>> readers_;
  Placement placement_;
};

}  // namespace

bool is_rearrangement(const Node& node) { return is_one_of(node, kRearrangements); }

Placement place(const Graph& graph, const std::set<ValueId>& in_float) {
  return Placer(graph, in_float).place();
}

Placement place_everywhere(const Graph& graph) {
  Placement placement;
  const auto hidden = masked_values(graph);
  const auto add = [&](ValueId id, ValueId range_of) {
    const auto& value = graph.at(id);
    if (value.dtype == torch::kFloat && !value.shape.empty() && !graph::is_output(graph, id) &&
        !hidden.contains(id))
      placement.sites[id] = {.for_all = true, .range_of = range_of};
  };
  for (const ValueId id : graph.inputs) add(id, id);
  for (const auto& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      ValueId range_of = id;
      if (is_rearrangement(node)) {
        const auto it = placement.sites.find(node.arguments.at(0).values.at(0));
        if (it != placement.sites.end()) range_of = it->second.range_of;
      }
      add(id, range_of);
    }
    if (is_layer(graph, node) || is_table(graph, node) || is_product(graph, node) ||
        is_sum(graph, node))
      placement.units.insert(node.outputs.at(0));
  }
  return placement;
}

}  // namespace braid::compress
