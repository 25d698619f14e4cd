// A trained classifier of texts on a dataset's split.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

// As evaluate_checkpoint. Texts without splits are themselves the test split.
Evaluation evaluate_texts(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                          Progress& progress);

}  // namespace braid::evaluate
