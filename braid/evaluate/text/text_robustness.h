// How a model holds when its texts get worse: any score, and a classifier's accuracy.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/probe.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::evaluate {

// A text made worse, or left as it is; seed: of the places.
using TextChange = std::function<std::string(const std::string& text, uint64_t seed)>;
// What each corruption at each severity leaves of the score of the same texts, and the score of
// those as they are.
Robustness score_corruptions(const std::function<double(const TextChange& change)>& score,
                             Progress& progress);

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
