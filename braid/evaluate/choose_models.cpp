#include "braid/evaluate/choose_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/evaluate/starting_point.h"

namespace braid::evaluate {

void choose_of_family(const ModelNames& names, const ChoiceRule& rule,
                      const std::function<ModelProfile(const std::string&)>& profile,
                      const std::function<double(const ModelProfile&)>& passes,
                      std::vector<ModelChoice>& chosen) {
  const auto items = static_cast<double>(rule.train_items);
  std::vector<ModelChoice> choices;
  for (const char* name : names) {
    const auto measured = profile(name);
    if (rule.max_params && measured.params > *rule.max_params) break;
    if (rule.max_latency_ms && measured.latency_ms > *rule.max_latency_ms) break;
    const double reach = passes(measured);
    const bool enough = reach >= rule.least_passes && reach * items >= rule.least_items;
    if (!choices.empty() && !enough) break;
    choices.push_back({name, fmt::format("{} of its kind, {:.{}f} passes over the training {}",
                                         enough ? "the largest that pays" : "the smallest", reach,
                                         reach < 10 ? 1 : 0, rule.items)});
  }
  const size_t count = std::min(choices.size(), rule.per_family);
  chosen.insert(chosen.end(), choices.end() - static_cast<std::ptrdiff_t>(count), choices.end());
}

void start_from_published_weights(std::vector<ModelChoice>& chosen) {
  for (auto& choice : chosen) choice.name = from_published_weights(choice.name);
}

}  // namespace braid::evaluate
