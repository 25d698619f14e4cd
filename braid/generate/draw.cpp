#include "braid/generate/draw.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace braid::generate {

int64_t draw_token(const float* scores, int64_t words, data::Random& random) {
  const float most = *std::max_element(scores, scores + words);
  const auto weight = [&](int64_t i) { return std::exp(static_cast<double>(scores[i] - most)); };
  double sum = 0;
  for (int64_t i = 0; i < words; ++i) sum += weight(i);
  double left = random.uniform() * sum;
  int64_t last = 0;
  for (int64_t i = 0; i < words && left >= 0; ++i) {
    if (weight(i) == 0) continue;
    last = i;
    left -= weight(i);
  }
  return last;
}

std::vector<Candidate> draw_candidates(const BeamScores& scores, const float* before, int64_t count,
                                       data::Random& random) {
  // The greatest of score plus Gumbel noise are a draw without replacement.
  std::vector<std::pair<double, Candidate>> all;
  for (int64_t beam = 0; beam < scores.beams; ++beam)
    for (int64_t token = 0; token < scores.words; ++token) {
      float score = scores.data[beam * scores.words + token] + before[beam];
      if (std::isnan(score)) score = -INFINITY;
      const double noise = std::isfinite(score) ? -std::log(-std::log1p(-random.uniform())) : 0;
      all.push_back({static_cast<double>(score) + noise, {score, beam, token}});
    }
  const auto wanted = all.begin() + std::min<int64_t>(count, static_cast<int64_t>(all.size()));
  std::partial_sort(all.begin(), wanted, all.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Candidate> drawn;
  for (auto it = all.begin(); it != wanted; ++it) drawn.push_back(it->second);
  std::stable_sort(drawn.begin(), drawn.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  return drawn;
}

}  // namespace braid::generate
