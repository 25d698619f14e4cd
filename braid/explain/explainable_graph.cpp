#include "braid/explain/explainable_graph.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/explain/origin_tracer.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/replay.h"

namespace braid::explain {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
using torch::Tensor;

// Through these a projection is still a projection, as through a bias or a factor that is constant.
constexpr std::array<std::string_view, 9> kMoves = {
    "aten::reshape", "aten::permute", "aten::slice", "aten::select",          "aten::narrow",
    "aten::unbind",  "aten::chunk",   "aten::split", "aten::split_with_sizes"};

bool moves_only(const Graph& graph, const Node& node) {
  if (std::find(kMoves.begin(), kMoves.end(), node.name()) != kMoves.end()) return true;
  if (node.name() != "aten::add" && node.name() != "aten::mul") return false;
  int64_t followed = 0;
  for (const auto& argument : node.arguments)
    for (const ValueId id : argument.values) followed += id != kNoValue && !graph.is_constant(id);
  return followed == 1;
}

std::string parameters_module(const Graph& graph, const Node& node) {
  for (const auto& argument : node.arguments)
    for (const ValueId id : argument.values) {
      if (!graph.is_constant(id)) continue;
      const auto& name = graph.at(id).name;
      if (const auto dot = name.rfind('.'); dot != std::string::npos) return name.substr(0, dot);
    }
  return "";
}

std::string short_name(const Node& node) {
  const auto& name = node.name();
  return name.starts_with("aten::") ? name.substr(6) : name;
}

// [3,1,1,H,W]: the middles of the pixels, in pixels.
Origin pixel_places(int64_t height, int64_t width) {
  const auto y = (torch::arange(height, torch::kFloat) + 0.5).view({height, 1});
  const auto x = (torch::arange(width, torch::kFloat) + 0.5).view({1, width});
  const auto ones = torch::ones({height, width});
  return torch::stack({y * ones, x * ones, ones}).view({3, 1, 1, height, width});
}

// Values that become queries, keys or values of attention without anything else.
std::vector<bool> projections(const Graph& graph) {
  std::vector<bool> found(graph.values.size());
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const auto& node = graph.nodes[i];
    const bool attention = node.name() == "aten::scaled_dot_product_attention";
    const bool moves = moves_only(graph, node) &&
                       std::any_of(node.outputs.begin(), node.outputs.end(),
                                   [&](ValueId id) { return found[static_cast<size_t>(id)]; });
    if (!attention && !moves) continue;
    for (const auto& argument : node.arguments)
      for (const ValueId id : argument.values)
        if (id != kNoValue) found[static_cast<size_t>(id)] = true;
  }
  return found;
}

bool is_below(const std::string& module, const std::string& parent) {
  return module == parent || module.starts_with(parent + ".");
}

std::vector<std::string> names_to_choose(const ExplainableGraph& explained) {
  std::set<std::string> names;
  for (const auto& layer : explained.layers) {
    names.insert(layer.name);
    auto module = layer.module;
    while (!module.empty()) {
      names.insert(module);
      const auto dot = module.rfind('.');
      module = dot == std::string::npos ? "" : module.substr(0, dot);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace

std::string module_of(const Graph& graph, const Node& node) {
  const auto own = parameters_module(graph, node);
  return own.empty() ? node.module : own;
}

ExplainableGraph explainable_graph(models::ImageModel& model, int64_t height, int64_t width) {
  return explainable_graph(graph::capture(model, height, width));
}

ExplainableGraph explainable_graph(Graph captured) {
  const torch::NoGradGuard no_grad;
  ExplainableGraph explained;
  explained.graph = std::move(captured);
  auto& graph = explained.graph;
  graph::canonicalize(graph);
  graph::remove_identities(graph);
  for (auto& value : graph.values)
    if (value.constant.defined()) value.constant = value.constant.detach();
  const auto input = graph::shape_at(graph.at(graph.inputs.at(0)).shape, 1);
  explained.height = input.at(2);
  explained.width = input.at(3);

  OriginTracer places(graph, OriginKind::kPlace, pixel_places(input[2], input[3]));
  std::string last_module;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    places.see(i, {});
    const auto& node = graph.nodes[i];
    const auto own = parameters_module(graph, node);
    if (!own.empty()) last_module = own;
    for (const ValueId id : node.outputs) {
      if (places.is_score(id) || !c10::isFloatingType(graph.at(id).dtype)) continue;
      auto grid = find_grid(places.of(id), graph::shape_at(graph.at(id).shape, 1));
      if (!grid) continue;
      const auto op = short_name(node);
      explained.layers.push_back({.value = id,
                                  .node = i,
                                  .name = !own.empty()          ? own
                                          : last_module.empty() ? op
                                                                : last_module + " + " + op,
                                  .module = own,
                                  .grid = std::move(*grid)});
    }
  }
  explained.attention = places.attention();
  return explained;
}

Tensor logits(const ExplainableGraph& explained, const Tensor& x) {
  return graph::replay(explained.graph, {x}).at(0);
}

const Layer& find_layer(const ExplainableGraph& explained, const std::string& name) {
  const auto& layers = explained.layers;
  const auto exact = std::find_if(layers.rbegin(), layers.rend(),
                                  [&](const Layer& layer) { return layer.name == name; });
  if (exact != layers.rend()) return *exact;
  // The last operator below the module, and those without parameters that follow it.
  const auto& nodes = explained.graph.nodes;
  size_t first = nodes.size(), end = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto module = parameters_module(explained.graph, nodes[i]);
    if (module.empty() || !is_below(module, name)) continue;
    first = std::min(first, i);
    end = i + 1;
  }
  while (end > 0 && end < nodes.size() && parameters_module(explained.graph, nodes[end]).empty())
    ++end;
  for (size_t k = layers.size(); k-- > 0;)
    if (layers[k].node >= first && layers[k].node < end) return layers[k];
  if (first < nodes.size())
    throw UsageError("explain", "expected a layer with a grid of cells, got '" + name + "'",
                     "--layer", "choose one before the image is pooled");
  throw UsageError("explain", "expected a module of the model, got '" + name + "'", "--layer",
                   did_you_mean(name, names_to_choose(explained)));
}

const Layer& last_layer(const ExplainableGraph& explained, const Tensor& image, int64_t target) {
  const auto is_projection = projections(explained.graph);
  std::unordered_map<ValueId, Tensor> kept;
  for (const auto& layer : explained.layers)
    if (!is_projection[static_cast<size_t>(layer.value)]) kept[layer.value] = Tensor();
  const torch::AutoGradMode with_grad(true);
  const auto x = image.detach().clone().requires_grad_(true);
  const auto outputs = graph::replay(explained.graph, {x}, [&](ValueId id, Tensor& value) {
    if (const auto it = kept.find(id); it != kept.end()) it->second = value;
  });
  const auto logit = outputs.at(0)[0][target];
  for (size_t k = explained.layers.size(); k-- > 0;) {
    const auto& layer = explained.layers[k];
    const auto it = kept.find(layer.value);
    if (it == kept.end() || !it->second.requires_grad()) continue;
    const auto gradient = torch::autograd::grad({logit}, {it->second}, {}, /*retain_graph=*/true,
                                                /*create_graph=*/false, /*allow_unused=*/true)
                              .at(0);
    if (gradient.defined() && on_grid(layer.grid, gradient).abs().sum().item<double>() > 0)
      return layer;
  }
  throw DataError("explain", "expected a value that lies on the image as a grid, got none", "",
                  "attributions to pixels need none: --method integrated-gradients or occlusion");
}

}  // namespace braid::explain
