// What classifiers make of a test split, whatever they classify; and two of them together.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "braid/evaluate/workload.h"
#include "braid/tasks/inference.h"
#include "braid/torch.h"

namespace braid::evaluate {

struct ClassScores {
  torch::Tensor probabilities;  // [N,K] float32, rows sum to 1
  torch::Tensor labels;         // [N] int64
};
void keep_scores(const ClassScores& scores, const std::filesystem::path& file);
// Of all these runs, one after the other.
ClassScores load_scores(const std::vector<TrainedRun>& runs);

// The mistakes among scored items; indices: of the items in their dataset.
using ListMistakes = std::function<std::vector<Mistake>(const ClassScores& scores,
                                                        const std::vector<int64_t>& indices)>;
// What the predictions on a test split come to. Of a run on all of the data also the confusion
// matrix, unless it is too large to look at, and the mistakes; its scores are kept for join() and
// right_items(). Throws DataError where nothing could be read.
TestResult test_result(const tasks::Predictions& predictions, const TrainedRun& run,
                       const DataSummary& data, const ListMistakes& mistakes);

// Positions of the mistakes, the surest first, at most `count`.
inline constexpr size_t kMistakesShown = 24;
std::vector<int64_t> surest_mistakes(const ClassScores& scores, size_t count = kMistakesShown);
// Those, told by their dataset's names; show(mistake, index) adds what the item looks like.
template <class Dataset, class Show>
std::vector<Mistake> list_mistakes(const Dataset& dataset, const ClassScores& scores,
                                   const std::vector<int64_t>& indices, const Show& show) {
  const auto [confidence, predicted] = scores.probabilities.max(1);
  std::vector<Mistake> list;
  for (const int64_t i : surest_mistakes(scores)) {
    const int64_t index = indices.at(static_cast<size_t>(i));
    const auto name = [&, i](const torch::Tensor& of) {
      return dataset.classes().at(static_cast<size_t>(of[i].template item<int64_t>()));
    };
    Mistake& mistake = list.emplace_back();
    mistake.file = dataset.describe(index);
    mistake.label = name(scores.labels);
    mistake.prediction = name(predicted);
    mistake.confidence = confidence[i].template item<double>();
    show(mistake, index);
  }
  return list;
}

// Late fusion: the mean of both models' probabilities. a, b: [N,K] float, rows sum to 1, of the
// same items in the same order. Returns [N,K]. Throws InternalError when the shapes differ.
torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b);

// cnn, transformer: [N,K] scores; labels: [N] int64.
Overlap error_overlap(const torch::Tensor& cnn, const torch::Tensor& transformer,
                      const torch::Tensor& labels);

// [N] bool
torch::Tensor right_items(const ClassScores& scores);

// Both, of the same items.
Joined join(const ClassScores& cnn, const ClassScores& transformer);

}  // namespace braid::evaluate
