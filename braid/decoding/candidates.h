// The best continuations of hypotheses, out of the scores of every word for each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace braid::decoding {

// A hypothesis made longer by a token.
struct Candidate {
  float score = 0;   // sum of log-probabilities
  int64_t beam = 0;  // of the hypothesis that it goes on from
  int64_t token = 0;
};
// By score; of equals that of the first beam, then of the first token.
bool is_better(const Candidate& a, const Candidate& b);

// Scores of a text's beams, [beams,words].
struct BeamScores {
  const float* data;
  int64_t beams, words;
};

// before[i]: the sum of beam i's hypothesis, which is added to its scores. The `count` <=
// beams*words best by is_better(), the best first. What is no number counts as -inf.
std::vector<Candidate> best_candidates(const BeamScores& scores, const float* before,
                                       int64_t count);

// The same, equals in the order of LibTorch's topk, which transformers takes: for where words are
// so few, or so many ruled out, that hypotheses that are ruled out are among the best.
std::vector<Candidate> candidates_by_topk(const BeamScores& scores, const float* before,
                                          int64_t count);

// The places of the `count` greatest, the greatest first, 0 < count; equals in the order of
// LibTorch's topk. Of fewer scores: all.
std::vector<size_t> best_places(const std::vector<float>& scores, size_t count);

}  // namespace braid::decoding
