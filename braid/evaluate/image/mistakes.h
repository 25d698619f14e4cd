// The images that a model is wrong about.
#pragma once
#include <vector>

#include "braid/data/dataset.h"
#include "braid/evaluate/class_scores.h"

namespace braid::evaluate {

// The surest mistakes first, each with a small picture. indices: of the scored images in the
// dataset.
std::vector<Mistake> picture_mistakes(const data::Dataset& dataset, const ClassScores& scores,
                                      const std::vector<int64_t>& indices);

}  // namespace braid::evaluate
