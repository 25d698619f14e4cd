// What two models make of the same images together.
#pragma once
#include "braid/torch.h"

namespace braid::evaluate {

// Late fusion: the mean of both models' probabilities. a, b: [N,K] float, rows sum to 1, of the
// same images in the same order. Returns [N,K]. Throws InternalError when the shapes differ.
torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b);

// Shares of the images in percent; they sum to 100.
struct Overlap {
  double both_right = 0;
  double only_a_right = 0;
  double only_b_right = 0;
  double both_wrong = 0;
  // Top-1 of a perfect choice between the two: the most that any way of choosing can reach.
  double oracle() const { return both_right + only_a_right + only_b_right; }
};
// a, b: [N,K] scores; labels: [N] int64.
Overlap error_overlap(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& labels);

}  // namespace braid::evaluate
