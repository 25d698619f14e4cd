#include "braid/evaluate/metrics.h"

#include <initializer_list>

#include "braid/core/error.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {

Metrics compute_metrics(const torch::Tensor& probabilities, const torch::Tensor& labels) {
  Metrics m;
  m.count = labels.size(0);
  if (m.count == 0) throw DataError("metrics", "expected at least one prediction, got none");
  tasks::TopAccuracy top1(1), top5(5);
  tasks::Confusion confusion(probabilities.size(1));
  tasks::Calibration calibration;
  tasks::Likelihood likelihood;
  for (tasks::Metric* metric :
       std::initializer_list<tasks::Metric*>{&top1, &top5, &confusion, &calibration, &likelihood})
    metric->update(probabilities, labels);
  const auto first = top1.scores().front();
  m.top1 = first.value;
  m.top1_low = first.low.value_or(first.value);
  m.top1_high = first.high.value_or(first.value);
  m.top5 = top5.scores().front().value;
  m.macro_f1 = confusion.scores().front().value;
  m.ece = calibration.scores().front().value;
  m.nll = likelihood.scores().front().value;
  m.confusion = confusion.matrix();
  return m;
}

tasks::Scores scores_of(const Metrics& m) {
  const auto percent = [](const char* name, double value, bool higher_is_better = true) {
    return tasks::Score{.name = name,
                        .unit = "%",
                        .value = value,
                        .low = {},
                        .high = {},
                        .higher_is_better = higher_is_better};
  };
  auto top1 = percent("top1", m.top1);
  top1.low = m.top1_low;
  top1.high = m.top1_high;
  auto nll = percent("nll", m.nll, false);
  nll.unit = "nats";
  return {top1, percent("top5", m.top5), percent("macro_f1", m.macro_f1),
          percent("ece", m.ece, false), nll};
}

std::vector<std::vector<int64_t>> rows_of(const torch::Tensor& matrix) {
  std::vector<std::vector<int64_t>> rows;
  for (int64_t r = 0; r < matrix.size(0); ++r) {
    const auto row = matrix[r].contiguous();
    rows.emplace_back(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + row.numel());
  }
  return rows;
}

}  // namespace braid::evaluate
