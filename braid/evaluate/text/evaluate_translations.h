// A model that translates on a split of parallel text.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

// As evaluate_checkpoint: BLEU, chrF and the loss of a token over all pairs, by the checkpoint's
// own beam search. Two files without splits are themselves the split; of several tests the first
// counts.
Evaluation evaluate_translations(const std::filesystem::path& checkpoint,
                                 const EvaluateRequest& request, Progress& progress);

}  // namespace braid::evaluate
