#include "braid/evaluate/metrics.h"

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"

namespace braid::evaluate {
namespace {

constexpr int64_t kBins = 15;
constexpr double kZ = 1.959963984540054;  // of the normal's 97.5% quantile

void wilson_interval(double hits, double n, double& low, double& high) {
  const double p = hits / n, z2 = kZ * kZ;
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  low = 100 * std::max(0.0, center - half);
  high = 100 * std::min(1.0, center + half);
}

// Mean over the classes that occur as label or prediction.
double macro_f1(const torch::Tensor& confusion) {
  const auto c = confusion.to(torch::kDouble);
  const auto hits = c.diagonal(), both = c.sum(0) + c.sum(1);
  const auto occurs = both > 0;
  return (2 * hits / both.clamp_min(1)).masked_select(occurs).mean().item<double>();
}

double calibration_error(const torch::Tensor& confidence, const torch::Tensor& correct) {
  const auto bins = (confidence * kBins).floor().clamp(0, kBins - 1).to(torch::kInt64);
  const auto sums = torch::zeros({kBins}, torch::kDouble).index_add_(0, bins, confidence - correct);
  return sums.abs().sum().item<double>() / static_cast<double>(confidence.size(0));
}

}  // namespace

Metrics compute_metrics(const torch::Tensor& probabilities, const torch::Tensor& labels) {
  Metrics m;
  m.count = labels.size(0);
  if (m.count == 0) throw DataError("metrics", "expected at least one prediction, got none");
  const auto p = probabilities.to(torch::kDouble);
  const int64_t K = p.size(1);
  const auto [confidence, predicted] = p.max(1);
  const auto correct = predicted.eq(labels).to(torch::kDouble);
  m.top1 = 100 * correct.mean().item<double>();
  wilson_interval(correct.sum().item<double>(), static_cast<double>(m.count), m.top1_low,
                  m.top1_high);
  const auto top = std::get<1>(p.topk(std::min<int64_t>(5, K), 1));
  m.top5 = 100 * top.eq(labels.unsqueeze(1)).any(1).to(torch::kDouble).mean().item<double>();
  m.confusion = torch::bincount(labels * K + predicted, {}, K * K).view({K, K});
  m.macro_f1 = 100 * macro_f1(m.confusion);
  m.ece = 100 * calibration_error(confidence, correct);
  m.nll = -p.gather(1, labels.unsqueeze(1)).clamp_min(1e-12).log().mean().item<double>();
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
