// How a model that translates holds when its sources get worse.
#pragma once
#include <cstdint>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/parallel_text.h"
#include "braid/evaluate/result.h"
#include "braid/tasks/text/translator.h"

namespace braid::evaluate {

struct TranslationRobustnessOptions {
  int64_t pairs = 100;  // spread evenly over the data; 0: all of it
  int64_t seed = 0;     // of what is made worse
  std::string dtype = "float32";
  double max_length_factor = 0;  // see tasks::TranslateOptions
};

// BLEU against the same targets, each source changed by the same seed for every model. Throws
// IoError where a line cannot be read.
Robustness measure_translation_robustness(const tasks::Translator& translator,
                                          const data::ParallelTextPtr& pairs,
                                          const TranslationRobustnessOptions& options,
                                          Progress& progress);

}  // namespace braid::evaluate
