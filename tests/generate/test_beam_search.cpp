// Beam search of one text against all texts there are.
#include "braid/decoding/beam_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "braid/data/random.h"
#include "braid/generate/draw.h"
#include "braid/generate/generation_config.h"
#include "braid/generate/select_candidates.h"
#include "tests/decoding/best_of_all.h"

namespace braid::generate {
namespace {

using decoding::BeamSearch;
using Ids = std::vector<int64_t>;

// A language of a few words, in which each word's probability hangs on all before it.
class Language {
 public:
  Language(int64_t words, uint64_t seed) : words_(words), seed_(seed) {}
  int64_t words() const { return words_; }
  // Log-probabilities of what follows.
  std::vector<float> next(const Ids& ids) const {
    uint64_t hash = seed_;
    for (const int64_t id : ids) hash = hash * 1000003 + static_cast<uint64_t>(id) + 1;
    data::Random random(hash);
    std::vector<double> scores;
    double sum = 0;
    for (int64_t i = 0; i < words_; ++i) {
      scores.push_back(random.normal() * 1.5);
      sum += std::exp(scores.back());
    }
    std::vector<float> log_probs;
    for (const double score : scores)
      log_probs.push_back(static_cast<float>(score - std::log(sum)));
    return log_probs;
  }

 private:
  int64_t words_;
  uint64_t seed_;
};

constexpr int64_t kStart = 9, kEnd = 0;

std::pair<Ids, double> best_of_all(const Language& language, int64_t max_length, double penalty) {
  return decoding::best_of_all({.last = language.words(), .start = kStart, .end = kEnd}, max_length,
                               penalty, [&](const Ids& ids) {
                                 const auto next = language.next(ids);
                                 return std::vector<double>(next.begin(), next.end());
                               });
}

BeamSearch run(const Language& language, const GenerationConfig& config, int64_t max_length) {
  BeamSearch search(config, max_length);
  const int64_t wanted = BeamSearch::candidates(config);
  while (!search.done()) {
    std::vector<float> flat, before;
    for (const auto& beam : search.running()) {
      const auto next = language.next(beam.ids);
      flat.insert(flat.end(), next.begin(), next.end());
      before.push_back(beam.score);
    }
    const auto scores = torch::tensor(flat).view({config.num_beams, language.words()});
    search.advance(best_candidates(scores, before, 1, wanted).at(0));
  }
  return search;
}

TEST(BeamSearch, WideEnoughItFindsTheBestOfAllTexts) {
  constexpr int64_t kLongest = 6;
  for (const uint64_t seed : {1, 2, 3, 4, 5})
    for (const double penalty : {0.0, 0.6, 1.0, 2.0}) {
      const Language language(3, seed);
      const GenerationConfig config{.num_beams = 81,
                                    .length_penalty = penalty,
                                    .early_stopping = "never",
                                    .decoder_start_token_id = kStart,
                                    .eos_token_id = {kEnd}};
      const auto search = run(language, config, kLongest);
      const auto [ids, score] = best_of_all(language, kLongest, penalty);
      EXPECT_EQ(search.ended()[0].ids, ids) << seed << " " << penalty;
      EXPECT_NEAR(search.ended()[0].score, score, 1e-5);
    }
}

TEST(BeamSearch, EarlyStoppingEndsWithTheFirstFullSet) {
  const Language language(6, 7);
  GenerationConfig config{.num_beams = 3, .decoder_start_token_id = kStart, .eos_token_id = {kEnd}};
  std::map<std::string, size_t> longest;
  for (const char* rule : {"true", "false", "never"}) {
    config.early_stopping = rule;
    const auto search = run(language, config, 40);
    longest[rule] = search.running()[0].ids.size();
    for (const auto& place : search.ended()) EXPECT_TRUE(place.ended) << rule;
  }
  EXPECT_LE(longest["true"], longest["false"]);
  EXPECT_LE(longest["false"], longest["never"]);
}

// Scores of texts are far below what stands for none then.
TEST(BeamSearch, PenaltiesFarBelowZeroFindTexts) {
  const Language language(6, 7);
  for (const double penalty : {-2.0, -6.0, -10.0}) {
    const GenerationConfig config{.num_beams = 3,
                                  .length_penalty = penalty,
                                  .decoder_start_token_id = kStart,
                                  .eos_token_id = {kEnd}};
    const auto search = run(language, config, 40);
    for (const auto& place : search.ended()) {
      EXPECT_TRUE(place.ended) << penalty;
      EXPECT_TRUE(std::isfinite(place.score)) << penalty;
    }
  }
}

TEST(BestCandidates, AreThoseOfASort) {
  torch::manual_seed(4);
  for (const auto& [texts, rows, words, count] :
       {std::array<int64_t, 4>{1, 1, 5, 4}, {3, 4, 1000, 8}, {2, 3, 129, 20}, {2, 2, 3, 6}}) {
    auto scores = torch::randn({texts * rows, words});
    if (words > 100) {
      scores.masked_fill_(scores.gt(2), -INFINITY);
      scores = (scores * 20).round() / 20;  // many equals
      scores[0][7] = NAN;
    }
    std::vector<float> before;
    for (int64_t i = 0; i < texts * rows; ++i) before.push_back(static_cast<float>(i % 3) * -0.5f);
    const auto found = best_candidates(scores, before, texts, count);
    const auto sums = scores + torch::tensor(before).unsqueeze(1);
    for (int64_t text = 0; text < texts; ++text) {
      std::vector<Candidate> all;
      for (int64_t beam = 0; beam < rows; ++beam)
        for (int64_t token = 0; token < words; ++token) {
          const auto score = sums[text * rows + beam][token].item<float>();
          all.push_back({std::isnan(score) ? -INFINITY : score, beam, token});
        }
      std::stable_sort(all.begin(), all.end(),
                       [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
      const auto& list = found.at(static_cast<size_t>(text));
      ASSERT_EQ(list.size(), static_cast<size_t>(count));
      for (size_t k = 0; k < list.size(); ++k) {
        EXPECT_EQ(list[k].score, all[k].score);
        EXPECT_EQ(list[k].beam, all[k].beam);
        EXPECT_EQ(list[k].token, all[k].token);
      }
    }
  }
}

TEST(DrawCandidates, AreDifferentAndFollowTheProbabilities) {
  const std::vector<float> scores = {0.5f, -1.0f, -INFINITY, 1.0f, 0.0f, -0.5f}, before = {0, -1};
  constexpr int kDraws = 20000;
  std::map<std::pair<int64_t, int64_t>, double> first;
  data::Random random(5);
  for (int i = 0; i < kDraws; ++i) {
    const auto drawn = draw_candidates({scores.data(), 2, 3}, before.data(), 1, random);
    first[{drawn[0].beam, drawn[0].token}] += 1.0 / kDraws;
  }
  double sum = 0;
  for (size_t i = 0; i < 6; ++i) sum += std::exp(static_cast<double>(scores[i] + before[i / 3]));
  for (size_t i = 0; i < 6; ++i)
    EXPECT_NEAR((first[{static_cast<int64_t>(i / 3), static_cast<int64_t>(i % 3)}]),
                std::exp(static_cast<double>(scores[i] + before[i / 3])) / sum,
                4 * std::sqrt(0.25 / kDraws));
  const auto five = draw_candidates({scores.data(), 2, 3}, before.data(), 5, random);
  for (size_t k = 1; k < five.size(); ++k) EXPECT_GE(five[k - 1].score, five[k].score);
  EXPECT_GT(five.back().score, -1e9f);  // all but the impossible one
}

}  // namespace
}  // namespace braid::generate
