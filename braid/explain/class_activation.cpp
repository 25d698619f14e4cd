#include "braid/explain/class_activation.h"

#include "braid/graph/replay.h"

namespace braid::explain {
namespace {

using torch::Tensor;

// activations, gradients: [C,h,w] -> [C,1,1]
Tensor channel_weights(const Tensor& activations, const Tensor& gradients,
                       ActivationWeights weights) {
  if (weights == ActivationWeights::kGradCam) return gradients.mean({1, 2}, true);
  constexpr double kEpsilon = 1e-6;
  const auto square = gradients.square(), cube = square * gradients;
  const auto sums = activations.sum({1, 2}, true);
  const auto alpha = square / (2 * square + sums * cube + kEpsilon);
  return (gradients.clamp_min(0) * torch::where(gradients != 0, alpha, torch::zeros_like(alpha)))
      .sum({1, 2}, true);
}

}  // namespace

Tensor class_activation(const ExplainableGraph& explained, const Layer& layer, const Tensor& image,
                        int64_t target, ActivationWeights weights) {
  const torch::AutoGradMode with_grad(true);
  Tensor leaf;
  const auto outputs =
      graph::replay(explained.graph, {image}, [&](graph::ValueId id, Tensor& value) {
        if (id == layer.value) leaf = value = value.detach().requires_grad_(true);
      });
  // A logit that does not depend on the layer has no gradient.
  const auto logit = outputs.at(0)[0][target];
  Tensor gradient;
  if (logit.requires_grad())
    gradient = torch::autograd::grad({logit}, {leaf}, {}, false, false, /*allow_unused=*/true)[0];
  if (!gradient.defined()) gradient = torch::zeros_like(leaf);
  const auto activations = on_grid(layer.grid, leaf.detach());
  const auto of_channels = channel_weights(activations, on_grid(layer.grid, gradient), weights);
  return (of_channels * activations).sum(0).clamp_min(0);
}

}  // namespace braid::explain
