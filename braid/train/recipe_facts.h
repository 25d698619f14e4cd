// What the recipe of one training hangs on, measured.
#pragma once
#include <memory>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/train/config.h"
#include "braid/train/recipes.h"

namespace braid::train {

// statistics: of the training images, measured for this and kept for the training. Makes the model
// once, and where the config's budget is of seconds lets it train on random images for a moment.
RecipeFacts measure_facts(const TrainConfig& config, const data::Splits& splits,
                          const std::shared_ptr<data::SharedStatistics>& statistics,
                          Progress& progress);

}  // namespace braid::train
