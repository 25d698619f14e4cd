#include "braid/compress/bias_correction.h"

#include <algorithm>

#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

// Over all batches.
Tensor channel_means(const std::vector<Tensor>& batches, int64_t channels_at) {
  Tensor sum;
  int64_t count = 0;
  for (const auto& x : batches) {
    const auto rows = x.detach().to(torch::kFloat).transpose(0, channels_at).flatten(1);
    const auto of_batch = rows.sum(1, false, torch::kDouble);
    sum = sum.defined() ? sum + of_batch : of_batch;
    count += rows.size(1);
  }
  return sum / static_cast<double>(std::max<int64_t>(count, 1));
}

Tensor along_channels(const Tensor& means, const Tensor& x, int64_t channels_at) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[static_cast<size_t>(channels_at)] = -1;
  return means.to(x.scalar_type()).view(shape);
}

}  // namespace

int64_t correct_biases(Graph& graph, const Placement& placement, const Ranges& ranges,
                       const WeightGrids& weights, const std::vector<Inputs>& batches) {
  const torch::NoGradGuard no_grad;
  std::map<ValueId, int64_t> channels_at;  // of the layers' outputs
  for (const auto& node : graph.nodes)
    if (placement.units.contains(node.outputs.at(0)) && is_layer(graph, node))
      channels_at[node.outputs[0]] = channel_dim(graph, node);
  std::map<ValueId, Tensor> means, shifts;
  graph::replay_together(graph, batches, [&](ValueId id, std::vector<Tensor>& x) {
    const auto at = channels_at.find(id);
    if (at != channels_at.end()) means[id] = channel_means(x, at->second);
  });
  graph::replay_together(insert_qdq(graph, placement, ranges, weights), batches,
                         [&](ValueId id, std::vector<Tensor>& x) {
                           const auto at = channels_at.find(id);
                           if (at == channels_at.end()) return;
                           shifts[id] = means.at(id) - channel_means(x, at->second);
                           for (auto& of_batch : x)
                             of_batch = of_batch + along_channels(shifts[id], of_batch, at->second);
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
