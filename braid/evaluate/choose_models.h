// The models of a family for a comparison that names none.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/workload.h"

namespace braid::evaluate {

using ModelNames = std::vector<const char*>;  // from the cheapest to the dearest

struct ChoiceRule {
  std::string items;  // "images"
  int64_t train_items = 0;
  double least_passes = 5;  // over the training data
  double least_items = 0;   // seen in training
  std::optional<int64_t> max_params;
  std::optional<double> max_latency_ms = {};  // of one item, as far as profiles know it
  size_t per_family = 1;
};

// Adds the last of the names that sees as much as the rule asks for within the budget, and up to
// per_family - 1 of those before it; the first where none does; none where all are beyond a limit.
void choose_of_family(const ModelNames& names, const ChoiceRule& rule,
                      const std::function<ModelProfile(const std::string&)>& profile,
                      const std::function<double(const ModelProfile&)>& passes,
                      std::vector<ModelChoice>& chosen);

// The names with their published weights, which all of them must have.
void start_from_published_weights(std::vector<ModelChoice>& chosen);

}  // namespace braid::evaluate
