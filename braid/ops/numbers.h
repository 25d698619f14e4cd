// Counts of numbers and their bytes.
#pragma once
#include <cstdint>

namespace braid::ops {

inline int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
inline int64_t bytes_of(bool bfloat16) { return bfloat16 ? 2 : 4; }

}  // namespace braid::ops
