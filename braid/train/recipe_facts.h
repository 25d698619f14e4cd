// What the recipe of one training hangs on, measured.
#pragma once
#include "braid/core/progress.h"
#include "braid/tasks/task_data.h"
#include "braid/train/config.h"
#include "braid/train/recipes.h"

namespace braid::train {

// Makes the model once, and where the config's budget is of seconds lets it train for a moment.
RecipeFacts measure_facts(const TrainConfig& config, const tasks::TaskData& data,
                          Progress& progress);

}  // namespace braid::train
