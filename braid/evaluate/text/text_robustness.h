// How a classifier of texts holds when its texts get worse.
#pragma once
#include <cstdint>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/probe.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::evaluate {

struct TextRobustnessOptions {
  int64_t texts = 500;  // a stratified, seeded sample of the dataset; 0: all of it
  int64_t seed = 0;
  tasks::EvaluateOptions evaluate = {};
};

// Passes over its texts: each corruption at each severity, and none.
double text_robustness_passes();

// Every model sees the same texts, corrupted by the same seeds. Throws DataError where none can be
// read.
Robustness measure_text_robustness(const tasks::TokenizedModel& classifier,
                                   const data::TextDatasetPtr& dataset,
                                   const TextRobustnessOptions& options, Progress& progress);

}  // namespace braid::evaluate
