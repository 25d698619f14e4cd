// The models of a comparison that leaves them to braid.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "braid/evaluate/experiment.h"
#include "braid/evaluate/recommend.h"

namespace braid::evaluate {

// Measured once, so that a comparison that was cut off goes on with the same recipes.
ModelProfile profile_of(const Experiment& experiment, const std::string& model);

Preference preference_of(const CompareConfig& config);

struct ChosenModels {
  std::vector<ModelChoice> models;
  std::vector<std::string> left_out;  // lines that say what was, and why
};
// Where the models are left to braid: those, chosen once for what is asked. Else none.
// Throws UsageError where no candidate suits.
ChosenModels choose_models(const Experiment& experiment, size_t per_family);

}  // namespace braid::evaluate
