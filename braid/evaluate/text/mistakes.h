// The texts that a model is wrong about.
#pragma once
#include <vector>

#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/class_scores.h"

namespace braid::evaluate {

// The surest mistakes first, each with the beginning of its text. indices: of the scored texts in
// the dataset.
std::vector<Mistake> quote_mistakes(const data::TextDataset& dataset, const ClassScores& scores,
                                    const std::vector<int64_t>& indices);

}  // namespace braid::evaluate
