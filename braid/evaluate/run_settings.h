// From a comparison's settings to those of one of its trainings.
#pragma once
#include <cstdint>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/run.h"
#include "braid/tasks/config.h"
#include "braid/train/recipes.h"

namespace braid::evaluate {

// What the run's recipe hangs on, but for the size of its input.
train::RecipeFacts recipe_facts(const Run& run, int64_t train_items);
// The run's task as its recipe has it: the model, what it starts from, the data, the teacher.
tasks::TaskConfig task_config_of(const Run& run, const train::Recipe& recipe,
                                 const CompareConfig& config);

}  // namespace braid::evaluate
