// Random choice by scores, the same on every machine.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/data/random.h"
#include "braid/decoding/candidates.h"

namespace braid::generate {

using decoding::BeamScores;
using decoding::Candidate;

// One of so many tokens, each with the probability that the softmax of its score is; -inf: never.
int64_t draw_token(const float* scores, int64_t words, data::Random& random);

// `count` different continuations, without replacement, with the probabilities that the softmax
// over all beams of score and `before` gives; then the best first.
std::vector<Candidate> draw_candidates(const BeamScores& scores, const float* before, int64_t count,
                                       data::Random& random);

}  // namespace braid::generate
