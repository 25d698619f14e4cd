// What classifiers make of a test split, whatever they classify; and two of them together.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "braid/evaluate/workload.h"
#include "braid/torch.h"

namespace braid::evaluate {

struct ClassScores {
  torch::Tensor probabilities;  // [N,K] float32, rows sum to 1
  torch::Tensor labels;         // [N] int64
};
void keep_scores(const ClassScores& scores, const std::filesystem::path& file);
ClassScores load_scores(const std::filesystem::path& file);

// All scores; the confusion matrix too, unless it is too large to look at.
TestResult result_of(const ClassScores& scores, int64_t bad_samples);

// Positions of the mistakes, the surest first, at most `count`.
std::vector<int64_t> surest_mistakes(const ClassScores& scores, int64_t count = 24);

// Late fusion: the mean of both models' probabilities. a, b: [N,K] float, rows sum to 1, of the
// same items in the same order. Returns [N,K]. Throws InternalError when the shapes differ.
torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b);

// cnn, transformer: [N,K] scores; labels: [N] int64.
Overlap error_overlap(const torch::Tensor& cnn, const torch::Tensor& transformer,
                      const torch::Tensor& labels);

// Both, of the same items.
Joined join(const ClassScores& cnn, const ClassScores& transformer);

}  // namespace braid::evaluate
