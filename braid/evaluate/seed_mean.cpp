#include "braid/evaluate/seed_mean.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace braid::evaluate {
namespace {

// The 97.5% quantile of Student's t: a table, beyond it the expansion around the normal's
// (Abramowitz and Stegun 26.7.5), there to 2e-4.
double student_t(size_t degrees) {
  constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447,  2.365, 2.306, 2.262, 2.228};
  if (degrees <= std::size(kTable)) return kTable[degrees - 1];
  constexpr double z = 1.959963984540054, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  const auto n = static_cast<double>(degrees);
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

double average(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double half_interval_of_mean(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = average(values);
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  const auto n = static_cast<double>(values.size());
  return student_t(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
}

namespace {

// add: of the interval's half and the error of the mean.
template <class Add>
tasks::Score mean_with(const std::vector<tasks::Score>& scores, const Add& add) {
  std::vector<double> values, below, above;
  for (const auto& score : scores) {
    values.push_back(score.value);
    if (!score.low || !score.high) continue;
    below.push_back(score.value - *score.low);
    above.push_back(*score.high - score.value);
  }
  tasks::Score mean = scores[0];
  mean.value = average(values);
  mean.low = mean.high = std::nullopt;
  if (below.size() != scores.size()) return mean;
  const double error = half_interval_of_mean(values);
  mean.low = mean.value - add(average(below), error);
  mean.high = mean.value + add(average(above), error);
  if (mean.unit == "%") {
    mean.low = std::max(0.0, *mean.low);
    mean.high = std::min(100.0, *mean.high);
  }
  return mean;
}

}  // namespace

tasks::Score mean_score(const std::vector<tasks::Score>& seeds) {
  return mean_with(seeds,
                   [](double interval, double error) { return std::hypot(interval, error); });
}

tasks::Score widest_mean(const std::vector<tasks::Score>& scores) {
  return mean_with(scores, [](double interval, double error) { return std::max(interval, error); });
}

}  // namespace braid::evaluate
