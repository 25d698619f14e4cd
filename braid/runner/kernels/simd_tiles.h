// Tiles of matrix products and sums over taps. See simd_math.h.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_math.h"

#ifndef RUNNER_ROWS  // the header by itself
#define RUNNER_ROWS 4
#define RUNNER_VECTORS 2
#endif

namespace braid::runner::RUNNER_ISA {

constexpr int64_t kRows = RUNNER_ROWS, kColumns = RUNNER_VECTORS * kLanes;

// The sums stay in registers: both inner loops are unrolled.
template <int kUsed>
static void tile_of(int64_t depth, const float* a, const float* b, float* c, int64_t ldc,
                    bool add) {
  Floats sums[kUsed][RUNNER_VECTORS] = {};
  for (int64_t k = 0; k < depth; ++k, a += kRows, b += kColumns) {
    Floats row[RUNNER_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kUsed; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < RUNNER_VECTORS; ++v) sums[r][v] += a[r] * row[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < kUsed; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v) {
      float* at = c + r * ldc + v * kLanes;
      store(at, add ? load(at) + sums[r][v] : sums[r][v]);
    }
}

template <int kUsed>
static void tile_from(int64_t used, int64_t depth, const float* a, const float* b, float* c,
                      int64_t ldc, bool add) {
  if (used == kUsed) return tile_of<kUsed>(depth, a, b, c, ldc, add);
  if constexpr (kUsed > 1) tile_from<kUsed - 1>(used, depth, a, b, c, ldc, add);
}
static void tile(int64_t used, int64_t depth, const float* a, const float* b, float* c, int64_t ldc,
                 bool add) {
  tile_from<RUNNER_ROWS>(used, depth, a, b, c, ldc, add);
}

static void taps(const float* x, const int64_t* offsets, const float* weights, int64_t count,
                 float* out, int64_t n) {
  constexpr int kAtOnce = 4;  // sums that do not wait for each other
  static_assert(kAtOnce * kLanes <= kSlack);
  for (int64_t i = 0; i < n; i += kAtOnce * kLanes) {
    Floats sums[kAtOnce] = {};
    for (int64_t t = 0; t < count; ++t) {
      const float* from = x + offsets[t] + i;
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v) sums[v] += weights[t] * load(from + v * kLanes);
    }
#pragma GCC unroll 4
    for (int v = 0; v < kAtOnce; ++v) store(out + i + v * kLanes, sums[v]);
  }
}

}  // namespace braid::runner::RUNNER_ISA
