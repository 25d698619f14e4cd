#include "braid/tasks/metrics/classifier_report.h"

#include <string>

#include "braid/core/error.h"

namespace braid::tasks {

void ClassifierMetrics::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  for (auto* part : parts()) part->update(outputs, labels);
}

runtime::TensorMap ClassifierMetrics::state() const {
  runtime::TensorMap all;
  for (const auto* part : parts()) {
    const auto prefix = part->scores().front().name + ".";
    for (const auto& [name, tensor] : part->state()) all.emplace(prefix + name, tensor);
  }
  return all;
}

void ClassifierMetrics::merge(const runtime::TensorMap& state) {
  for (auto* part : parts()) {
    const auto prefix = part->scores().front().name + ".";
    runtime::TensorMap of_part;
    for (const auto& [name, tensor] : state)
      if (name.starts_with(prefix)) of_part.emplace(name.substr(prefix.size()), tensor);
    part->merge(of_part);
  }
}

Scores ClassifierMetrics::scores() const {
  Scores all;
  for (const auto* part : parts()) {
    if (part == &top5_ && classes_ <= 5) continue;  // always right
    for (auto& score : part->scores()) all.push_back(std::move(score));
  }
  return all;
}

ClassifierReport ClassifierMetrics::report() const {
  if (count() == 0) throw DataError("metrics", "expected at least one prediction, got none");
  const auto top1 = top1_.scores().front();
  return {.count = count(),
          .top1 = top1.value,
          .top1_low = top1.low.value_or(top1.value),
          .top1_high = top1.high.value_or(top1.value),
          .top5 = top5_.scores().front().value,
          .macro_f1 = confusion_.scores().front().value,
          .ece = calibration_.scores().front().value,
          .nll = likelihood_.scores().front().value,
          .confusion = confusion_.matrix()};
}

ClassifierMetrics measure_classifier(const torch::Tensor& probabilities,
                                     const torch::Tensor& labels) {
  ClassifierMetrics metrics(probabilities.size(1));
  metrics.update(probabilities, labels);
  return metrics;
}

std::vector<std::vector<int64_t>> rows_of(const torch::Tensor& matrix) {
  std::vector<std::vector<int64_t>> rows;
  for (int64_t r = 0; r < matrix.size(0); ++r) {
    const auto row = matrix[r].contiguous();
    rows.emplace_back(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + row.numel());
  }
  return rows;
}

}  // namespace braid::tasks
