// From a user's settings to the data of a task of any kind.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "braid/tasks/task_data.h"

namespace braid::tasks {

// "image_classification", ...: what config.task says; where it is auto, what the data is for.
// Throws UsageError where the model is not for that task.
std::string resolve_task(const TaskConfig& config);

// on_bad_sample: error, or skip for rows of texts that cannot be read. checkpoint: of a run that
// goes on, whose order of classes is kept; else empty. Throws ConfigError, also for settings that
// the task does not look at (own_options.h), DataError or IoError.
std::unique_ptr<TaskData> open_task_data(const TaskConfig& config, const std::string& on_bad_sample,
                                         const std::filesystem::path& checkpoint);

}  // namespace braid::tasks
