// Lookahead around an optimizer.
//
// Source: Zhang et al., https://arxiv.org/abs/1907.08610. Reference: timm's lookahead.py
// (Apache-2.0); same arithmetic.
#pragma once
#include <cstdint>

namespace braid::train {

inline constexpr const char* kLookahead = "lookahead_";  // before the optimizer's name, as in timm

// After every k steps slow weights go alpha of the way to the optimizer's, which then start from
// there. They begin as what the first k steps have reached, which is where timm has them begin.
struct LookaheadOptions {
  int64_t k = 6;
  double alpha = 0.5;
};

}  // namespace braid::train
