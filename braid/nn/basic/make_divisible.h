// Channel counts that kernels like.
#pragma once
#include <algorithm>
#include <cstdint>

namespace braid::nn {

// timm's rule: a multiple of `divisor` near v, at least round_limit * v.
inline int64_t make_divisible(double v, int64_t divisor = 8, double round_limit = 0.9) {
  auto rounded = std::max<int64_t>(
      divisor, static_cast<int64_t>(v + static_cast<double>(divisor) / 2) / divisor * divisor);
  if (static_cast<double>(rounded) < round_limit * v) rounded += divisor;
  return rounded;
}

}  // namespace braid::nn
