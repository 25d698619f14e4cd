#include "braid/evaluate/seed_mean.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace braid::evaluate {
namespace {

// Two-sided 97.5% quantiles of Student's t for 1 to 10 degrees of freedom; 2 beyond.
double student_t(size_t degrees) {
  constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447,  2.365, 2.306, 2.262, 2.228};
  return degrees <= 10 ? kTable[degrees - 1] : 2.0;
}

double average(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

tasks::Score mean_score(const std::vector<tasks::Score>& seeds) {
  std::vector<double> values, below, above;
  for (const auto& seed : seeds) {
    values.push_back(seed.value);
    if (!seed.low || !seed.high) continue;
    below.push_back(seed.value - *seed.low);
    above.push_back(*seed.high - seed.value);
  }
  tasks::Score mean = seeds[0];
  mean.value = average(values);
  mean.low = mean.high = std::nullopt;
  if (below.size() != seeds.size()) return mean;
  double error = 0;
  if (values.size() > 1) {
    double squares = 0;
    for (const double v : values) squares += (v - mean.value) * (v - mean.value);
    const auto n = static_cast<double>(values.size());
    error = student_t(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  }
  mean.low = mean.value - std::hypot(average(below), error);
  mean.high = mean.value + std::hypot(average(above), error);
  if (mean.unit == "%") {
    mean.low = std::max(0.0, *mean.low);
    mean.high = std::min(100.0, *mean.high);
  }
  return mean;
}

tasks::Scores mean_scores(const std::vector<tasks::Scores>& seeds) {
  tasks::Scores scores;
  for (const auto& score : seeds.at(0)) {
    std::vector<tasks::Score> same;
    for (const auto& seed : seeds)
      for (const auto& other : seed)
        if (other.name == score.name) same.push_back(other);
    if (same.size() == seeds.size()) scores.push_back(mean_score(same));
  }
  return scores;
}

}  // namespace braid::evaluate
