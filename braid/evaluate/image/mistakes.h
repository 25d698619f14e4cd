// The images that a model is wrong about.
#pragma once
#include <vector>

#include "braid/data/dataset.h"
#include "braid/evaluate/result.h"
#include "braid/torch.h"

namespace braid::evaluate {

// The surest mistakes first, at most 24, each with a small picture. probabilities: [N,K]; labels:
// [N] int64; indices: of the images in the dataset.
std::vector<Mistake> surest_mistakes(const data::Dataset& dataset,
                                     const torch::Tensor& probabilities,
                                     const torch::Tensor& labels,
                                     const std::vector<int64_t>& indices);

}  // namespace braid::evaluate
