// What a comparison says before its first step.
#pragma once
#include <vector>

#include "braid/evaluate/experiment.h"

namespace braid::evaluate {

// Says what will be trained, and for how long by a rough estimate.
void announce(const Experiment& experiment, const std::vector<ModelProfile>& profiles);
// Throws UsageError where the budget is no step of this model.
void check_one_step(const Experiment& experiment, const ModelProfile& profile);
// Says of which models the budget is less than a step or an epoch.
void warn_of_short_budget(const Experiment& experiment, const std::vector<ModelProfile>& profiles);

}  // namespace braid::evaluate
