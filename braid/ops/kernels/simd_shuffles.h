// What crosses the lanes of a vector: sums, and squares that are turned. See
// runner/kernels/simd_math.h.
#pragma once
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

#if RUNNER_LANES == 16
#define BRAID_LOW_PAIRS 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define BRAID_HIGH_PAIRS 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif RUNNER_LANES == 8
#define BRAID_LOW_PAIRS 0, 8, 1, 9, 2, 10, 3, 11
#define BRAID_HIGH_PAIRS 4, 12, 5, 13, 6, 14, 7, 15
#else
#define BRAID_LOW_PAIRS 0, 4, 1, 5
#define BRAID_HIGH_PAIRS 2, 6, 3, 7
#endif

static inline float sum_of(Floats v) {
  typedef float Four __attribute__((vector_size(16)));
#if RUNNER_LANES == 16
  typedef float Eight __attribute__((vector_size(32)));
  const Eight eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                      __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Four four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
                    __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#elif RUNNER_LANES == 8
  const Four four =
      __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#else
  const Four four = v;
#endif
  const Four two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
  return two[0] + two[1];
}

// Row i of a square of kLanes rows becomes its column i.
static inline void turn(Floats* rows) {
  Floats others[kLanes];
  constexpr int kStages = RUNNER_LANES == 16 ? 4 : RUNNER_LANES == 8 ? 3 : 2;
#pragma GCC unroll 4
  for (int stage = 0; stage < kStages; ++stage) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < kLanes / 2; ++i) {
      others[2 * i] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], BRAID_LOW_PAIRS);
      others[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], BRAID_HIGH_PAIRS);
    }
#pragma GCC unroll 16
    for (int64_t i = 0; i < kLanes; ++i) rows[i] = others[i];
  }
}

// Lane i: the sum of vector i's lanes. Overwrites the vectors.
static inline Floats sums_of(Floats* vectors) {
#pragma GCC unroll 4
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int64_t i = 0; i < half; ++i)
      vectors[i] = __builtin_shufflevector(vectors[i], vectors[i + half], BRAID_LOW_PAIRS) +
                   __builtin_shufflevector(vectors[i], vectors[i + half], BRAID_HIGH_PAIRS);
  return vectors[0];
}

#undef BRAID_LOW_PAIRS
#undef BRAID_HIGH_PAIRS

}  // namespace braid::ops::RUNNER_ISA
