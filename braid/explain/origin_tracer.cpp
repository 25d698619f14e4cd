#include "braid/explain/origin_tracer.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "braid/explain/origin_rules.h"

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;

// Where the dimension went: of the same size, with as many numbers behind it; else -1.
int64_t reshaped_dim(const std::vector<int64_t>& from, const std::vector<int64_t>& to,
                     int64_t dim) {
  const auto behind = [](const std::vector<int64_t>& shape, size_t i) {
    return std::accumulate(shape.begin() + static_cast<int64_t>(i) + 1, shape.end(), int64_t{1},
                           std::multiplies<>());
  };
  const auto at = static_cast<size_t>(dim);
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i] == from[at] && behind(to, i) == behind(from, at)) return static_cast<int64_t>(i);
  return -1;
}

bool same_matrices(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  return a.size() >= 2 && b.size() >= 2 && std::equal(a.end() - 2, a.end(), b.end() - 2);
}

OriginRule find_rule(const std::string& name) {
  for (const auto* rules : {&layout_rules(), &window_rules(), &mixing_rules()})
    if (const auto it = rules->find(name); it != rules->end()) return it->second;
  return elementwise_rule;
}

}  // namespace

OriginTracer::OriginTracer(const graph::Graph& graph, OriginKind kind, const Origin& input)
    : state_{.graph = graph,
             .kind = kind,
             .origins = std::vector<Origin>(graph.values.size()),
             .scores = {},
             .normalized = {},
             .attention = {}} {
  state_.origins.at(static_cast<size_t>(graph.inputs.at(0))) = input;
}

void OriginTracer::see(size_t position, const std::vector<Tensor>& values) {
  const auto& node = state_.graph.nodes.at(position);
  find_rule(node.name())({state_, position, node, values});
  follow_weights(node);
}

void OriginTracer::forget(const std::vector<Tensor>& values) {
  for (size_t i = 0; i < state_.origins.size(); ++i)
    if (!values[i].defined()) state_.origins[i] = Origin();
}

// Weights stay weights through what works number by number or only moves them.
void OriginTracer::follow_weights(const graph::Node& node) {
  if (node.outputs.size() != 1 || mixing_rules().contains(node.name())) return;
  const ValueId output = node.outputs[0];
  const auto to = graph::shape_at(state_.graph.at(output).shape, 1);
  if (node.name() == "aten::softmax" || node.name() == "aten::_softmax")
    state_.normalized[output] = from_front(node.integer("dim"), to.size());
  for (const ValueId id : tensors_read(node)) {
    const auto from = graph::shape_at(state_.graph.at(id).shape, 1);
    const bool moved = node.name() == "aten::permute" || node.name() == "aten::reshape";
    if (const auto it = state_.scores.find(id); it != state_.scores.end() && !moved &&
                                                same_matrices(from, to) &&
                                                !state_.scores.contains(output))
      state_.scores[output] = it->second;
    const auto it = state_.normalized.find(id);
    if (it == state_.normalized.end() || state_.normalized.contains(output)) continue;
    int64_t dim = it->second;
    if (node.name() == "aten::permute") {
      const auto dims = node.integers("dims");
      for (size_t i = 0; i < dims.size(); ++i)
        if (from_front(dims[i], dims.size()) == it->second) dim = static_cast<int64_t>(i);
    } else if (node.name() == "aten::reshape") {
      dim = reshaped_dim(from, to, it->second);
    } else if (from.size() != to.size() || !same_matrices(from, to)) {
      continue;
    }
    if (dim >= 0) state_.normalized[output] = dim;
  }
}

}  // namespace braid::explain
