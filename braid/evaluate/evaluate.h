// A trained model of any kind on a dataset's split.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

// checkpoint: the folder of a model of any kind (models::find_checkpoint). Labels are matched by
// the names of their classes; classes that the checkpoint does not know are a DataError naming
// them, missing ones are not: their items are just not there. A checkpoint without names takes the
// data's classes in their order, if they are as many.
Evaluation evaluate_checkpoint(const std::filesystem::path& checkpoint,
                               const EvaluateRequest& request, Progress& progress);

}  // namespace braid::evaluate
