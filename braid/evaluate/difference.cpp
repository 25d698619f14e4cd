#include "braid/evaluate/difference.h"

#include <algorithm>
#include <cmath>

#include "braid/evaluate/seed_mean.h"

namespace braid::evaluate {

std::optional<Difference> paired_difference(const std::vector<torch::Tensor>& a,
                                            const std::vector<torch::Tensor>& b) {
  if (a.empty() || a.size() != b.size()) return std::nullopt;
  std::vector<torch::Tensor> trainings;  // [N], 1: only a is right, -1: only b is
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].sizes() != a[0].sizes() || a[i].sizes() != b[i].sizes()) return std::nullopt;
    trainings.push_back(a[i].to(torch::kDouble) - b[i].to(torch::kDouble));
  }
  if (a[0].numel() == 0) return std::nullopt;
  const auto all = torch::stack(trainings);  // [T,N]
  const auto items = all.mean(0);
  // Two more items, of which each model has one right.
  const auto adjusted = torch::cat({items, torch::tensor({1.0, -1.0}, torch::kDouble)});
  const auto n = static_cast<double>(adjusted.numel());
  constexpr double z = 1.959963984540054;
  const double of_items = z * std::sqrt(adjusted.var(0, false).item<double>() / n);
  const auto means = all.mean(1);
  const double of_trainings = half_interval_of_mean(
      {means.const_data_ptr<double>(), means.const_data_ptr<double>() + means.numel()});
  const double half = std::hypot(of_items, of_trainings);
  const double center = adjusted.mean().item<double>();
  return Difference{.value = 100 * items.mean().item<double>(),
                    .low = 100 * std::max(-1.0, center - half),
                    .high = 100 * std::min(1.0, center + half)};
}

}  // namespace braid::evaluate
