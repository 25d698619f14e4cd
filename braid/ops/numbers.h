// Counts of numbers and their bytes.
#pragma once
#include <cstdint>

namespace braid::ops {

// Of a size, the last of them perhaps smaller.
inline int64_t parts(int64_t total, int64_t size) { return (total + size - 1) / size; }
inline int64_t rounded_up(int64_t n, int64_t to) { return parts(n, to) * to; }
inline int64_t bytes_of(bool bfloat16) { return bfloat16 ? 2 : 4; }

}  // namespace braid::ops
