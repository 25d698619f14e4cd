// Classification metrics.
#pragma once

#include <cstdint>
#include <vector>

#include "braid/tasks/score.h"
#include "braid/torch.h"

namespace braid::evaluate {

struct Metrics {
  int64_t count = 0;
  double top1 = 0;                     // percent
  double top1_low = 0, top1_high = 0;  // 95% Wilson interval, percent
  double top5 = 0;                     // percent
  double macro_f1 = 0;                 // percent
  double ece = 0;                      // expected calibration error, 15 equal-width bins, percent
  double nll = 0;                      // nats
  torch::Tensor confusion;             // [K,K] int64: rows true, columns predicted
};
// probabilities: [N,K] float, rows sum to 1; labels: [N] int64.
Metrics compute_metrics(const torch::Tensor& probabilities, const torch::Tensor& labels);
// top1 (with its interval), top5, macro_f1, ece, nll.
tasks::Scores scores_of(const Metrics& metrics);
// A [R,C] int64 matrix as lists.
std::vector<std::vector<int64_t>> rows_of(const torch::Tensor& matrix);

}  // namespace braid::evaluate
