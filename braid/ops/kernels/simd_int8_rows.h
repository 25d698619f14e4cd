// Products of few rows with a matrix of bytes, on vectors, see runner/kernels/simd_math.h: compiled
// with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"
#include "braid/runner/kernels/simd_shorts.h"

namespace braid::ops::RUNNER_ISA {

// R rows and V vectors of outputs of a block. Two numbers of x meet two of each output at once.
template <int R, int V>
static inline void int8_rows_tile(Int8Rows s, const int16_t* x, const int8_t* weight,
                                  runner::RUNNER_ISA::Ints (&sums)[R][V]) {
  using namespace runner::RUNNER_ISA;
  for (int64_t pair = 0; pair < s.pairs; ++pair) {
    // A page ahead, where a prefetcher does not reach.
    __builtin_prefetch(weight + pair * 2 * kInt8Outs + 4096);
    __builtin_prefetch(weight + pair * 2 * kInt8Outs + 4096 + 64);
    Shorts right[V];
#pragma GCC unroll 4
    for (int64_t v = 0; v < V; ++v)
      right[v] = widened(weight + pair * 2 * kInt8Outs + v * 2 * kLanes);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      int32_t two;
      __builtin_memcpy(&two, x + r * s.x_stride + 2 * pair, sizeof two);
      const Shorts left = all_pairs(two);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] = add_products(sums[r][v], left, right[v]);
    }
  }
}
template <int R>
static void int8_rows_block(Int8Rows s, int64_t outs, const int16_t* x, const float* x_scales,
                            const int8_t* weight, const float* scales, float* y) {
  constexpr int kVectors = RUNNER_LANES == 4 ? 2 : RUNNER_LANES == 8 ? 2 : 4;
  constexpr int64_t kOuts = kVectors * kLanes;
  for (int64_t o = 0; o < outs; o += kOuts) {
    runner::RUNNER_ISA::Ints sums[R][kVectors] = {};
    int8_rows_tile<R, kVectors>(s, x, weight + 2 * o, sums);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = o + v * kLanes;
        const Floats sum = __builtin_convertvector(sums[r][v], Floats) * x_scales[r];
        float* const to = y + r * s.out + at;
        if (at + kLanes <= outs)
          Float32::store(to, sum * Float32::load(scales + at, Whole{}), Whole{});
        else if (at < outs)
          Float32::store(to, sum * Float32::load(scales + at, Part{outs - at}), Part{outs - at});
      }
  }
}

static void int8_rows(Int8Rows s, const int16_t* x, const float* x_scales, const int8_t* weight,
                      const float* scales, float* y) {
  for (int64_t o = 0; o < s.count; o += kInt8Outs, weight += 2 * s.pairs * kInt8Outs) {
    const int64_t outs = s.count - o < kInt8Outs ? s.count - o : kInt8Outs;
    int64_t row = 0;
    const auto rest = [&](int64_t row_count, auto block) {
      for (; row + row_count <= s.rows; row += row_count)
        block(s, outs, x + row * s.x_stride, x_scales + row, weight, scales + o,
              y + row * s.out + o);
    };
    rest(4, int8_rows_block<4>);
    rest(2, int8_rows_block<2>);
    rest(1, int8_rows_block<1>);
  }
}

static float to_shorts(const float* x, int64_t width, int32_t most, int16_t* y) {
  Floats magnitudes = {}, zeros = {};  // or no numbers, of what has no magnitude
  over_row(width, [&](auto span, int64_t j) {
    const Floats v = Float32::load(x + j, span);
    magnitudes = runner::RUNNER_ISA::largest(runner::RUNNER_ISA::absolute(v), magnitudes);
    zeros += v * 0.0F;
  });
  const float magnitude = runner::RUNNER_ISA::largest_of(magnitudes) + sum_of(zeros);
  constexpr float kLeast = 1e-30F;  // below it the inverse has no number
  const bool has_numbers = magnitude >= kLeast;
  const float inverse = has_numbers ? static_cast<float>(most) / magnitude : 0;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  typedef int16_t Stored __attribute__((vector_size(RUNNER_LANES * 2)));
  over_row(width, [&](auto span, int64_t j) {
    const Floats v = has_numbers ? Float32::load(x + j, span) : Floats{};
    const Floats whole = (v * inverse + kRound) - kRound;
    const Stored shorts =
        __builtin_convertvector(__builtin_convertvector(whole, runner::RUNNER_ISA::Ints), Stored);
    __builtin_memcpy(y + j, &shorts, sizeof shorts);  // rows are padded
  });
  return magnitude / static_cast<float>(most);
}

}  // namespace braid::ops::RUNNER_ISA
