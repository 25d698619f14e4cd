// Gradients of operators and layers against finite differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "braid/torch.h"

namespace braid::ops {

// The largest difference between the gradient of sum(f(x) * weights) and its central differences.
inline double gradient_error(const std::function<torch::Tensor(const torch::Tensor&)>& f,
                             const torch::Tensor& at) {
  auto x = at.detach().clone().requires_grad_();
  const auto weights = torch::cos(torch::arange(f(x).numel(), torch::kDouble)).view_as(f(x));
  (f(x) * weights).sum().backward();
  const torch::NoGradGuard no_grad;
  double worst = 0;
  const auto flat = at.detach().flatten();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    constexpr double kStep = 1e-6;
    auto up = flat.clone(), down = flat.clone();
    up[i] += kStep;
    down[i] -= kStep;
    const double slope =
        ((f(up.view_as(at)) - f(down.view_as(at))) * weights).sum().item<double>() / (2 * kStep);
    worst = std::max(worst, std::abs(slope - x.grad().flatten()[i].item<double>()));
  }
  return worst;
}

}  // namespace braid::ops
