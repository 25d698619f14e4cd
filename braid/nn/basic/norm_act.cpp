#include "braid/nn/basic/norm_act.h"

#include <optional>

#include "braid/ops/batch_norm_act.h"

namespace braid::nn {
namespace {

std::optional<ops::Activation> fused_activation(Act act) {
  switch (act) {
    case Act::kIdentity:
      return ops::Activation::kIdentity;
    case Act::kRelu:
      return ops::Activation::kRelu;
    case Act::kGelu:
      return ops::Activation::kGelu;
    case Act::kSilu:
      return ops::Activation::kSilu;
    default:
      return std::nullopt;
  }
}

}  // namespace

torch::Tensor norm_act(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, Act act) {
  const auto fused = fused_activation(act);
  const auto& options = norm->options;
  const auto momentum = options.momentum();
  const ops::BatchNormStats stats{.running_mean = norm->running_mean,
                                  .running_var = norm->running_var,
                                  .training = norm->is_training() && options.track_running_stats(),
                                  .momentum = momentum.value_or(0),
                                  .eps = options.eps()};
  // A norm without a momentum averages over all batches: the module knows how.
  if (!fused || !momentum || !ops::is_fused(x, norm->weight, norm->bias, stats)) {
    const auto y = norm->forward(x);
    return act == Act::kRelu ? y.relu_() : activate(y, act);
  }
  norm->num_batches_tracked += 1;
  return ops::batch_norm_act(x, norm->weight, norm->bias, stats, *fused);
}

}  // namespace braid::nn
