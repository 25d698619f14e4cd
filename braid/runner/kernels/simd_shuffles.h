// The numbers of vectors in other orders. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_math.h"

namespace braid::runner::RUNNER_ISA {

// even, odd: the numbers of both vectors at even and at odd places. low, high: one of each in turn,
// of the first halves and of the second ones. moved_up: all but the first, then the next one.
#if RUNNER_LANES == 16
static inline Floats even(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
static inline Floats odd(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
static inline Floats low(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
static inline Floats high(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
}
static inline Floats moved_up(Floats a, float next) {
  return __builtin_shufflevector(a, all(next), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                 16);
}
#elif RUNNER_LANES == 8
static inline Floats even(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
}
static inline Floats odd(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
static inline Floats low(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
static inline Floats high(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline Floats moved_up(Floats a, float next) {
  return __builtin_shufflevector(a, all(next), 1, 2, 3, 4, 5, 6, 7, 8);
}
#else
static inline Floats even(Floats a, Floats b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }
static inline Floats odd(Floats a, Floats b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7); }
static inline Floats low(Floats a, Floats b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
static inline Floats high(Floats a, Floats b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
static inline Floats moved_up(Floats a, float next) {
  return __builtin_shufflevector(a, all(next), 1, 2, 3, 4);
}
#endif

// Rows of as many vectors as a vector has numbers become columns.
static inline void transpose_square(Floats* rows) {
  static_assert(kLanes == 4 || kLanes == 8 || kLanes == 16);
#pragma GCC unroll 4
  for (int step = 1; step < kLanes; step *= 2) {
    Floats next[kLanes];
#pragma GCC unroll 8
    for (int64_t i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = low(rows[i], rows[i + kLanes / 2]);
      next[2 * i + 1] = high(rows[i], rows[i + kLanes / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

}  // namespace braid::runner::RUNNER_ISA
