// What simple classifiers make of the texts: the bar that a network has to clear.
#pragma once
#include <cstdint>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct TextReferenceOptions {
  double seconds = 10;  // at most for each that is trained
  int64_t seed = 0;
  std::string on_bad_sample = "error";
};

// Tested on all of `test`, the best first:
//   majority     the most frequent class of train
//   naive_bayes  on words and pairs of neighbouring words
//   linear       softmax regression on them, the rare ones weighing more
// The training texts are a stratified part where there are more than 200,000.
References measure_text_references(const data::TextDatasetPtr& train,
                                   const data::TextDatasetPtr& test,
                                   const TextReferenceOptions& options, Progress& progress);

}  // namespace braid::evaluate
