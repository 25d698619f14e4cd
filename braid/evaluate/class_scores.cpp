#include "braid/evaluate/class_scores.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/metrics/classifier_report.h"

namespace braid::evaluate {
namespace {

constexpr int64_t kMostClassesShown = 200;

void check_alike(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.dim() != 2 || a.sizes() != b.sizes())
    throw InternalError("fusion",
                        fmt::format("expected two [N,K] tensors alike, got [{}] and [{}]",
                                    fmt::join(a.sizes(), ","), fmt::join(b.sizes(), ",")));
}

}  // namespace

void keep_scores(const ClassScores& scores, const std::filesystem::path& file) {
  runtime::save_tensors({{"probabilities", scores.probabilities}, {"labels", scores.labels}}, file);
}

ClassScores load_scores(const std::vector<TrainedRun>& runs) {
  std::vector<torch::Tensor> probabilities, labels;
  for (const auto& run : runs) {
    const auto tensors = runtime::load_tensors(run.predictions);
    probabilities.push_back(tensors.at("probabilities"));
    labels.push_back(tensors.at("labels"));
  }
  return {torch::cat(probabilities), torch::cat(labels)};
}

TestResult test_result(const tasks::Predictions& predictions, const TrainedRun& run,
                       const DataSummary& data, const ListMistakes& mistakes) {
  if (predictions.labels.numel() == 0)
    throw DataError("compare",
                    fmt::format("no {} {} could be read", data.test_split,
                                data.items.substr(0, data.items.size() - 1)),
                    data.name);
  const ClassScores scores{predictions.logits.softmax(1), predictions.labels};
  const auto metrics = tasks::measure_classifier(scores.probabilities, scores.labels);
  TestResult result{.scores = metrics.scores(),
                    .count = metrics.count(),
                    .bad_samples = predictions.bad_samples,
                    .confusion = std::nullopt,
                    .misclassified = {}};
  if (run.run.fraction < 1) return result;
  if (scores.probabilities.size(1) <= kMostClassesShown)
    result.confusion = tasks::rows_of(metrics.report().confusion);
  result.misclassified = mistakes(scores, predictions.indices);
  keep_scores(scores, run.predictions);
  return result;
}

std::vector<int64_t> surest_mistakes(const ClassScores& scores, size_t count) {
  const auto [confidence, predicted] = scores.probabilities.max(1);
  const auto wrong = predicted.ne(scores.labels);
  const auto order =
      torch::where(wrong, confidence, torch::zeros_like(confidence)).argsort(0, true);
  std::vector<int64_t> positions;
  for (int64_t k = 0; k < std::min(static_cast<int64_t>(count), wrong.sum().item<int64_t>()); ++k)
    positions.push_back(order[k].item<int64_t>());
  return positions;
}

torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b) {
  check_alike(a, b);
  return (a + b) / 2;
}

torch::Tensor right_items(const ClassScores& scores) {
  return scores.probabilities.argmax(1) == scores.labels;
}

Overlap error_overlap(const torch::Tensor& cnn, const torch::Tensor& transformer,
                      const torch::Tensor& labels) {
  check_alike(cnn, transformer);
  const auto by_cnn = right_items({cnn, labels}),
             by_transformer = right_items({transformer, labels});
  const auto share = [&](const torch::Tensor& mask) {
    return 100.0 * mask.sum().item<double>() / static_cast<double>(mask.numel());
  };
  Overlap overlap;
  if (labels.numel() == 0) return overlap;
  overlap.both_right = share(by_cnn & by_transformer);
  overlap.only_cnn_right = share(by_cnn & ~by_transformer);
  overlap.only_transformer_right = share(~by_cnn & by_transformer);
  overlap.both_wrong = share(~by_cnn & ~by_transformer);
  return overlap;
}

Joined join(const ClassScores& cnn, const ClassScores& transformer) {
  const auto late = tasks::measure_classifier(
      late_fusion(cnn.probabilities, transformer.probabilities), cnn.labels);
  return {.late_fusion = late.scores().front(),
          .overlap = error_overlap(cnn.probabilities, transformer.probabilities, cnn.labels)};
}

}  // namespace braid::evaluate
