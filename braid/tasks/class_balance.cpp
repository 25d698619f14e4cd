#include "braid/tasks/class_balance.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "braid/core/error.h"

namespace braid::tasks {

torch::Tensor class_weights(const std::string& kind, const std::vector<int64_t>& counts) {
  if (kind == kNoClassWeights) return {};
  const auto items = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const auto present = std::count_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; });
  std::vector<float> weights;
  for (const int64_t count : counts)
    weights.push_back(count == 0 ? 0.0F
                                 : static_cast<float>(static_cast<double>(items) /
                                                      static_cast<double>(present * count)));
  return torch::tensor(weights);
}

void check_balance(const std::string& class_weights, const std::string& sampler,
                   const std::string& component) {
  if (class_weights == kNoClassWeights || sampler != kBalancedSampler) return;
  throw ConfigError(component, "expected class_weights or sampler to balance the classes, got both",
                    "class_weights = " + class_weights + ", sampler = " + sampler,
                    "together they favour the small classes: leave one of them out");
}

std::optional<std::string> imbalance_text(const std::vector<int64_t>& counts,
                                          const std::vector<std::string>& names) {
  constexpr int64_t kRatio = 10;
  if (counts.empty()) return std::nullopt;
  if (counts.size() == 1)
    return fmt::format(
        "All training items have one class, '{}': there is nothing to tell apart, and whatever is "
        "asked will be answered so.",
        names.at(0));
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  if (*least == 0 || *most < kRatio * *least) return std::nullopt;
  const auto name = [&](auto it) { return names.at(static_cast<size_t>(it - counts.begin())); };
  return fmt::format(
      "The classes are unbalanced: '{}' has {} training items, '{}' has {}. Look at macro-F1 "
      "beside top-1, or train with --class-weights balanced or --sampler balanced.",
      name(least), *least, name(most), *most);
}

}  // namespace braid::tasks
