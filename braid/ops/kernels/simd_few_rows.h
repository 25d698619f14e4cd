// Products of few rows with a matrix that is read once, on vectors, see
// runner/kernels/simd_math.h: compiled with one instruction set each, and therefore without the
// standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"

namespace braid::ops::RUNNER_ISA {

// R rows and kLanes / R outputs: as many sums as a vector has lanes. Rows of weights go one after
// the other through memory, whole; kFirst: for the first time.
template <class W, int R, bool kFirst>
static inline void few_rows_tile(FewRows s, const float* x, const typename W::Stored* weight,
                                 float* y) {
  constexpr int kOuts = RUNNER_LANES / R;
  Floats sums[RUNNER_LANES] = {};
  over_row(s.in, [&](auto span, int64_t j) {
    Floats left[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) left[r] = Float32::load(x + r * s.in + j, span);
#pragma GCC unroll 16
    for (int o = 0; o < kOuts; ++o) {
      // Rows of a matrix end before a prefetcher has begun.
      if constexpr (kFirst) __builtin_prefetch(weight + (o + kOuts) * s.in + j);
      const Floats right = W::load(weight + o * s.in + j, span);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r * kOuts + o] += left[r] * right;
    }
  });
  const Floats all = sums_of(sums);
  float sums_of_rows[RUNNER_LANES];
  __builtin_memcpy(sums_of_rows, &all, sizeof all);
  for (int64_t r = 0; r < R; ++r)
    __builtin_memcpy(y + r * s.out, sums_of_rows + r * kOuts, sizeof(float) * kOuts);
}
// One output of one row.
template <class W>
static inline float one_sum(int64_t in, const float* x, const typename W::Stored* weight) {
  Floats sum = {};
  over_row(in, [&](auto span, int64_t j) {
    sum += Float32::load(x + j, span) * W::load(weight + j, span);
  });
  return sum_of(sum);
}
template <class W, int R, bool kFirst>
static inline void few_rows_block(FewRows s, int64_t outs, const float* x,
                                  const typename W::Stored* weight, float* y) {
  constexpr int kOuts = RUNNER_LANES / R;
  int64_t o = 0;
  for (; o + kOuts <= outs; o += kOuts) few_rows_tile<W, R, kFirst>(s, x, weight + o * s.in, y + o);
  for (; o < outs; ++o)
    for (int r = 0; r < R; ++r)
      y[r * s.out + o] = one_sum<W>(s.in, x + r * s.in, weight + o * s.in);
}

template <int R>
struct RowCount {
  static constexpr int value = R;
};

template <class W>
static void few_rows_of(FewRows s, const float* x, const void* from, float* y) {
  const auto* weight = static_cast<const typename W::Stored*>(from);
  constexpr int kRows = RUNNER_LANES == 16 ? 4 : RUNNER_LANES == 8 ? 2 : 1;
  for (int64_t o = 0; o < s.count; o += kLanes) {  // these weights stay near for all rows
    const int64_t outs = s.count - o < kLanes ? s.count - o : kLanes;
    const auto* const block = weight + o * s.in;
    int64_t row = 0;
    const auto go = [&](auto rows) {
      constexpr int R = decltype(rows)::value;
      for (; row + R <= s.rows; row += R)
        (row == 0 ? few_rows_block<W, R, true> : few_rows_block<W, R, false>)(s, outs,
                                                                              x + row * s.in, block,
                                                                              y + row * s.out + o);
    };
    go(RowCount<kRows>{});
    if (kRows > 2) go(RowCount<2>{});
    go(RowCount<1>{});
  }
}
static void few_rows(FewRows shape, const float* x, const void* weight, float* y) {
  (shape.bfloat16 ? few_rows_of<BFloat16> : few_rows_of<Float32>)(shape, x, weight, y);
}

}  // namespace braid::ops::RUNNER_ISA
