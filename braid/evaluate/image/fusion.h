// What two models make of the same images together.
#pragma once
#include "braid/evaluate/result.h"
#include "braid/torch.h"

namespace braid::evaluate {

// Late fusion: the mean of both models' probabilities. a, b: [N,K] float, rows sum to 1, of the
// same images in the same order. Returns [N,K]. Throws InternalError when the shapes differ.
torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b);

// cnn, transformer: [N,K] scores; labels: [N] int64.
Overlap error_overlap(const torch::Tensor& cnn, const torch::Tensor& transformer,
                      const torch::Tensor& labels);

}  // namespace braid::evaluate
