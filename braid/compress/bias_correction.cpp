#include "braid/compress/bias_correction.h"

#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

Tensor channel_means(const Tensor& x, int64_t channels_at) {
  return x.detach()
      .to(torch::kFloat)
      .transpose(0, channels_at)
      .flatten(1)
      .mean(1, false, torch::kDouble);
}

Tensor along_channels(const Tensor& means, const Tensor& x, int64_t channels_at) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[static_cast<size_t>(channels_at)] = -1;
  return means.to(x.scalar_type()).view(shape);
}

}  // namespace

int64_t correct_biases(Graph& graph, const Placement& placement, const Ranges& ranges,
                       const WeightGrids& weights, const Tensor& images) {
  const torch::NoGradGuard no_grad;
  std::map<ValueId, int64_t> channels_at;  // of the layers' outputs
  for (const auto& node : graph.nodes)
    if (placement.units.contains(node.outputs.at(0)) && is_layer(graph, node))
      channels_at[node.outputs[0]] = channel_dim(graph, node);
  std::map<ValueId, Tensor> means, shifts;
  graph::replay(graph, {images}, [&](ValueId id, Tensor& x) {
    const auto at = channels_at.find(id);
    if (at != channels_at.end()) means[id] = channel_means(x, at->second);
  });
  graph::replay(insert_qdq(graph, placement, ranges, weights), {images},
                [&](ValueId id, Tensor& x) {
                  const auto at = channels_at.find(id);
                  if (at == channels_at.end()) return;
                  shifts[id] = means.at(id) - channel_means(x, at->second);
                  x = x + along_channels(shifts[id], x, at->second);
                });
  for (auto& node : graph.nodes) {
    const auto shift = shifts.find(node.outputs.at(0));
    if (shift == shifts.end()) continue;
    const ValueId bias = node.value("bias");
    const auto old = bias == graph::kNoValue ? torch::zeros_like(shift->second)
                                             : graph.at(bias).constant.detach().to(torch::kDouble);
    replace_constant(graph, node, "bias", (old + shift->second).to(torch::kFloat));
  }
  return static_cast<int64_t>(shifts.size());
}

}  // namespace braid::compress
