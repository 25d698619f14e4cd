// A model that tags words on a dataset's split.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

// See evaluate_checkpoint().
Evaluation evaluate_tags(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                         Progress& progress);

}  // namespace braid::evaluate
