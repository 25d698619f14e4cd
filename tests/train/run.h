// A whole run, as the program starts it.
#pragma once
#include <stop_token>

#include "braid/data/dataset.h"
#include "braid/runtime/process.h"
#include "braid/tasks/make_image_task.h"
#include "braid/train/checkpoints.h"
#include "braid/train/trainer.h"

namespace braid::train {

inline TrainResult train_run(const TrainConfig& config, const data::Splits& splits,
                             Progress& progress, std::stop_token stop = {}) {
  const auto task = tasks::make_image_task(
      config.task, splits,
      {.seed = config.run.seed, .checkpoint = checkpoint_to_resume(config.run)}, progress);
  runtime::set_threads(1);
  runtime::seed_generators(config.run.seed);
  return train(*task, config.run, std::move(stop), progress);
}

}  // namespace braid::train
