// A model that answers questions, on a split of them.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

Evaluation evaluate_answers(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                            Progress& progress);

}  // namespace braid::evaluate
