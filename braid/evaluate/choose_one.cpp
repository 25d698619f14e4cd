#include "braid/evaluate/choose_one.h"

#include <fmt/format.h>

namespace braid::evaluate {

void choose_one(const ModelNames& names, const ChoiceRule& rule,
                const std::function<ModelProfile(const std::string&)>& profile,
                const std::function<double(const ModelProfile&)>& passes,
                std::vector<ModelChoice>& chosen) {
  const auto items = static_cast<double>(rule.train_items);
  std::optional<ModelChoice> choice;
  for (const char* name : names) {
    const auto measured = profile(name);
    if (rule.max_params && measured.params > *rule.max_params) break;
    const double reach = passes(measured);
    const bool enough = reach >= rule.least_passes && reach * items >= rule.least_items;
    if (choice && !enough) break;
    choice = {name,
              fmt::format("{} of its kind, {:.2g} passes over the training {}",
                          enough ? "the largest that pays" : "the smallest", reach, rule.items)};
  }
  if (choice) chosen.push_back(*choice);
}

}  // namespace braid::evaluate
