// A trained classifier of texts as it ships.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/deploy/deploy_target.h"
#include "braid/evaluate/result.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::evaluate {

// Throws UsageError for 8 bits, which only models of images have.
void check_deploy_texts(const DeployTarget& target);
// Exports the classifier, with its tokenizer (of the folder `checkpoint`), to `file` and measures
// that in the target's engine. classifier: on the CPU. Throws DataError where it cannot be captured
// or run, IoError. latency_seconds: at most, of timing each figure.
Deployed deploy_texts(const tasks::TokenizedModel& classifier,
                      const std::filesystem::path& checkpoint, const DeployTarget& target,
                      const data::TextDatasetPtr& test, const tasks::EvaluateOptions& options,
                      double latency_seconds, const std::filesystem::path& file,
                      Progress& progress);

}  // namespace braid::evaluate
