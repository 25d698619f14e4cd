// The best of many scores against a sort of all.
#include "braid/decoding/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace braid::decoding {
namespace {

std::vector<float> scores_of(int64_t count, bool coarse) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> scores;
  for (int64_t i = 0; i < count; ++i) {
    const float x = normal(random);
    scores.push_back(coarse ? std::round(x * 8) / 8 : x);  // many equals
  }
  return scores;
}

TEST(Candidates, AreThoseOfASort) {
  for (const auto& [beams, words, count] :
       {std::array<int64_t, 3>{1, 5, 4}, {4, 1000, 8}, {3, 129, 20}, {2, 3, 6}}) {
    auto scores = scores_of(beams * words, words > 100);
    if (words > 100) {
      scores[7] = NAN;
      scores[8] = -INFINITY;
    }
    const std::vector<float> before = {0, -0.5f, -1, -0.25f};
    std::vector<Candidate> all;
    for (int64_t beam = 0; beam < beams; ++beam)
      for (int64_t token = 0; token < words; ++token) {
        const float sum =
            scores[static_cast<size_t>(beam * words + token)] + before[static_cast<size_t>(beam)];
        all.push_back({std::isnan(sum) ? -INFINITY : sum, beam, token});
      }
    std::stable_sort(all.begin(), all.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    const auto found = best_candidates({scores.data(), beams, words}, before.data(), count);
    const auto by_topk = candidates_by_topk({scores.data(), beams, words}, before.data(), count);
    ASSERT_EQ(found.size(), static_cast<size_t>(count));
    ASSERT_EQ(by_topk.size(), static_cast<size_t>(count));
    for (size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].score, all[k].score);
      EXPECT_EQ(found[k].beam, all[k].beam);
      EXPECT_EQ(found[k].token, all[k].token);
      EXPECT_EQ(by_topk[k].score, all[k].score) << "of equals any";
    }
  }
}

TEST(Candidates, OfFewerAllAreTaken) {
  EXPECT_EQ(best_places({1, 3, 2}, 5), (std::vector<size_t>{1, 2, 0}));
  EXPECT_EQ(best_places({1, 3, 2}, 1), std::vector<size_t>{1});
}

}  // namespace
}  // namespace braid::decoding
