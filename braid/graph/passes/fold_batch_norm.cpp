#include <optional>

#include "braid/graph/passes/passes.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::graph {
namespace {

using torch::Tensor;

// y = x * scale + shift, per channel, float64.
struct Affine {
  Tensor scale, shift;
};

Tensor constant_in_double(const Graph& graph, ValueId id) {
  return graph.at(id).constant.detach().to(torch::kDouble);
}

std::optional<Affine> affine_of(const Graph& graph, const Node& norm) {
  const ValueId mean = norm.value("running_mean"), variance = norm.value("running_var");
  if (norm.flag("training") || !graph.is_constant(mean) || !graph.is_constant(variance))
    return std::nullopt;
  for (const char* name : {"weight", "bias"})
    if (norm.value(name) != kNoValue && !graph.is_constant(norm.value(name))) return std::nullopt;
  Affine affine;
  affine.scale = (constant_in_double(graph, variance) + norm.number("eps")).rsqrt();
  if (norm.value("weight") != kNoValue)
    affine.scale = affine.scale * constant_in_double(graph, norm.value("weight"));
  affine.shift = -constant_in_double(graph, mean) * affine.scale;
  if (norm.value("bias") != kNoValue)
    affine.shift = affine.shift + constant_in_double(graph, norm.value("bias"));
  return affine;
}

// The layer whose last operator gives `input`, nothing else reading it: a convolution, a linear
// layer, or a linear layer [..,C] reshaped to [M,C].
Node* foldable_layer(Graph& graph, const Uses& uses, ValueId input) {
  for (const char* name : {"aten::conv2d", "aten::conv1d", "aten::conv3d"})
    if (auto* conv = uses.sole_producer(graph, input, name)) return conv;
  if (graph.at(input).shape.size() != 2) return nullptr;
  if (auto* reshape = uses.sole_producer(graph, input, "aten::reshape")) {
    const ValueId source = reshape->value("self");
    if (graph.at(source).shape.back() != graph.at(input).shape.back()) return nullptr;
    return uses.sole_producer(graph, source, "aten::linear");
  }
  return uses.sole_producer(graph, input, "aten::linear");
}

ValueId add_folded(Graph& graph, const Tensor& tensor, torch::ScalarType dtype,
                   const std::string& name) {
  const ValueId id = graph.add_constant(tensor.to(dtype).contiguous(), name);
  graph.at(id).learned = true;
  return id;
}

void fold_into(Graph& graph, Node& layer, const Affine& affine) {
  const Value weight = graph.at(layer.value("weight"));
  const ValueId bias = layer.value("bias");
  std::vector<int64_t> per_output(weight.shape.size(), 1);
  per_output[0] = -1;
  const auto folded = weight.constant.detach().to(torch::kDouble) * affine.scale.view(per_output);
  auto shift = affine.shift;
  if (bias != kNoValue) shift = shift + constant_in_double(graph, bias) * affine.scale;
  layer.argument("weight").values = {add_folded(graph, folded, weight.dtype, weight.name)};
  layer.argument("bias") =
      value_argument(add_folded(graph, shift, weight.dtype, layer.module + ".bias"));
}

// The first norm that can be folded, and whether there was one.
bool fold_next(Graph& graph) {
  const Uses uses(graph);
  for (const auto& norm : graph.nodes) {
    if (norm.name() != "aten::batch_norm") continue;
    auto* layer = foldable_layer(graph, uses, norm.value("input"));
    if (layer == nullptr || !graph.is_constant(layer->value("weight")) ||
        (layer->value("bias") != kNoValue && !graph.is_constant(layer->value("bias"))))
      continue;
    const auto affine = affine_of(graph, norm);
    if (!affine) continue;
    fold_into(graph, *layer, *affine);
    replace_value(graph, norm.outputs[0], norm.value("input"));
    return true;
  }
  return false;
}

}  // namespace

// What read a norm reads its layer afterwards: who reads what is asked anew each time.
void fold_batch_norm(Graph& graph) {
  while (fold_next(graph)) remove_unused(graph);
}

std::vector<PassResult> simplify(Graph& graph) {
  std::vector<PassResult> results;
  const auto run = [&](const char* name, void (*pass)(Graph&)) {
    const auto before = static_cast<int64_t>(graph.nodes.size());
    pass(graph);
    results.push_back({name, before - static_cast<int64_t>(graph.nodes.size())});
  };
  const torch::NoGradGuard no_grad;
  run("canonicalize", canonicalize);
  run("remove_identities", remove_identities);
  run("form_linear", form_linear);
  run("fold_batch_norm", fold_batch_norm);
  run("remove_identities", remove_identities);
  return results;
}

}  // namespace braid::graph
