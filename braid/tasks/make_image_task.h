// From settings and images to the task.
#pragma once
#include <filesystem>
#include <memory>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"

namespace braid::tasks {

struct ImageTaskOptions {
  int64_t seed = 0;  // of the weights' initialization
  // The last checkpoint of a run that goes on: its config.json decides the model, and no initial
  // weights are fetched; empty: a new run.
  std::filesystem::path checkpoint = {};
  std::shared_ptr<data::SharedStatistics> statistics = nullptr;  // of the training images, if kept
};

// Throws ConfigError, DataError or IoError.
std::unique_ptr<Task> make_image_task(const TaskConfig& config, const data::Splits& splits,
                                      const ImageTaskOptions& options, Progress& progress);

}  // namespace braid::tasks
