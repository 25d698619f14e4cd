#include "braid/evaluate/difference.h"

#include <algorithm>
#include <cmath>

#include "braid/evaluate/seed_mean.h"

namespace braid::evaluate {
namespace {

using torch::Tensor;

// Of each item 1: only a is right, -1: only b is. Nothing where they are of other items.
std::optional<Tensor> fold_difference(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.numel() == 0) return std::nullopt;
  return a.to(torch::kDouble) - b.to(torch::kDouble);
}

struct TrainingDifference {
  Tensor items;               // [N], weighed so that their mean is the folds'
  std::vector<double> folds;  // means
};

std::optional<TrainingDifference> training_difference(const RightItems& a, const RightItems& b) {
  if (a.empty() || a.size() != b.size()) return std::nullopt;
  std::vector<Tensor> parts;
  double count = 0;
  for (size_t fold = 0; fold < a.size(); ++fold) {
    auto part = fold_difference(a[fold], b[fold]);
    if (!part) return std::nullopt;
    count += static_cast<double>(part->numel());
    parts.push_back(std::move(*part));
  }
  TrainingDifference all;
  for (auto& part : parts) {
    all.folds.push_back(part.mean().item<double>());
    part *= count / static_cast<double>(parts.size()) / static_cast<double>(part.numel());
  }
  all.items = torch::cat(parts);
  return all;
}

}  // namespace

std::optional<Difference> paired_difference(const std::vector<RightItems>& a,
                                            const std::vector<RightItems>& b) {
  if (a.empty() || a.size() != b.size()) return std::nullopt;
  std::vector<Tensor> trainings;
  std::vector<double> means;
  double of_folds = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto training = training_difference(a[i], b[i]);
    if (!training || (i > 0 && training->items.sizes() != trainings[0].sizes()))
      return std::nullopt;
    trainings.push_back(training->items);
    means.push_back(training->items.mean().item<double>());
    of_folds += half_interval_of_mean(training->folds) / static_cast<double>(a.size());
  }
  const auto items = torch::stack(trainings).mean(0);
  // Two more items, of which each model has one right.
  const auto adjusted = torch::cat({items, torch::tensor({1.0, -1.0}, torch::kDouble)});
  const auto n = static_cast<double>(adjusted.numel());
  constexpr double z = 1.959963984540054;
  const double of_items = z * std::sqrt(adjusted.var(0, false).item<double>() / n);
  const double half = std::hypot(std::max(of_items, of_folds), half_interval_of_mean(means));
  const double center = adjusted.mean().item<double>();
  return Difference{.value = 100 * items.mean().item<double>(),
                    .low = 100 * std::max(-1.0, center - half),
                    .high = 100 * std::min(1.0, center + half)};
}

}  // namespace braid::evaluate
