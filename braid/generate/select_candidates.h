// The best continuations of many hypotheses, out of the scores of every word for each.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/decoding/candidates.h"
#include "braid/torch.h"

namespace braid::generate {

using decoding::Candidate;

// scores: [T*r,V] float32, r rows for each of T texts, one per beam; before[i]: the sum of row i's
// hypothesis, which is added. The `count` <= r*V best of each text, the best first; of equals that
// of the first beam, then of the first token. What is no number counts as -inf.
std::vector<std::vector<Candidate>> best_candidates(const torch::Tensor& scores,
                                                    const std::vector<float>& before, int64_t texts,
                                                    int64_t count);

// The same of one text, equals in the order of LibTorch's topk, which transformers takes: for where
// words are so few, or so many ruled out, that hypotheses that are ruled out are among the best.
// scores: [r,V].
std::vector<Candidate> candidates_by_topk(const torch::Tensor& scores,
                                          const std::vector<float>& before, int64_t count);

}  // namespace braid::generate
