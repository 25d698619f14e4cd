// The best continuations of many hypotheses, out of the scores of every word for each.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/generate/beam_search.h"
#include "braid/torch.h"

namespace braid::generate {

// scores: [T*r,V] float32, r rows for each of T texts, one per beam; before[i]: the sum of row i's
// hypothesis, which is added. The `count` <= r*V best of each text, the best first; of equals that
// of the first beam, then of the first token. What is no number counts as -inf.
std::vector<std::vector<Candidate>> best_candidates(const torch::Tensor& scores,
                                                    const std::vector<float>& before, int64_t texts,
                                                    int64_t count);

}  // namespace braid::generate
