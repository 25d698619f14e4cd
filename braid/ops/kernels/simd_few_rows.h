// Products of few rows with a matrix that is read once, on vectors, see
// runner/kernels/simd_math.h: compiled with one instruction set each, and therefore without the
// standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"
#include "braid/runner/kernels/simd_shorts.h"

namespace braid::ops::RUNNER_ISA {

// What is multiplied: numbers that lie as W says, with float32.
template <class W>
struct FloatFactors {
  typedef float Left;
  typedef typename W::Stored Right;
  typedef Floats Sums;
  static constexpr int64_t kStep = kLanes;
  template <class Span>
  static Floats left(const Left* p, Span span) {
    return Float32::load(p, span);
  }
  template <class Span>
  static Floats right(const Right* p, Span span) {
    return W::load(p, span);
  }
  static Floats add(Floats sums, Floats a, Floats b) { return sums + a * b; }
};
// Whole numbers: bytes with those of 16 bits, whose rows are padded with zeros.
struct IntegerFactors {
  typedef int16_t Left;
  typedef int8_t Right;
  typedef runner::RUNNER_ISA::Ints Sums;
  typedef runner::RUNNER_ISA::Shorts Shorts;
  static constexpr int64_t kStep = 2 * kLanes;
  template <class Span>
  static Shorts left(const Left* p, Span) {
    return runner::RUNNER_ISA::load_shorts(p);
  }
  static Shorts right(const Right* p, Whole) { return runner::RUNNER_ISA::widened(p); }
  static Shorts right(const Right* p, Part part) {
    Right some[kStep] = {};
    __builtin_memcpy(some, p, static_cast<size_t>(part.n));
    return runner::RUNNER_ISA::widened(some);
  }
  static Sums add(Sums sums, Shorts a, Shorts b) {
    return runner::RUNNER_ISA::add_products(sums, a, b);
  }
};
template <class Factors, class Body>
static inline void over_steps(int64_t width, Body body) {
  int64_t j = 0;
  for (; j + Factors::kStep <= width; j += Factors::kStep) body(Whole{}, j);
  if (j < width) body(Part{width - j}, j);
}

// R rows and kLanes / R outputs: as many sums as a vector has lanes. Rows of weights go one after
// the other through memory, whole; kFirst: for the first time.
template <class Factors, int R, bool kFirst>
static inline void few_rows_tile(FewRows s, const typename Factors::Left* x,
                                 const typename Factors::Right* weight, float* y) {
  constexpr int kOuts = RUNNER_LANES / R;
  typename Factors::Sums sums[RUNNER_LANES] = {};
  over_steps<Factors>(s.in, [&](auto span, int64_t j) {
    decltype(Factors::left(x, span)) left[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) left[r] = Factors::left(x + r * s.x_stride + j, span);
#pragma GCC unroll 16
    for (int o = 0; o < kOuts; ++o) {
      // Rows of a matrix end before a prefetcher has begun.
      if constexpr (kFirst) __builtin_prefetch(weight + (o + kOuts) * s.in + j);
      const auto right = Factors::right(weight + o * s.in + j, span);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[o * R + r] = Factors::add(sums[o * R + r], left[r], right);
    }
  });
  Floats totals[RUNNER_LANES];
#pragma GCC unroll 16
  for (int i = 0; i < RUNNER_LANES; ++i) totals[i] = __builtin_convertvector(sums[i], Floats);
  const Floats all = sums_of(totals);
  for (int o = 0; o < kOuts; ++o)
    for (int r = 0; r < R; ++r) y[r * s.out + o] = all[o * R + r];
}
// One output of one row.
template <class Factors>
static inline float one_sum(int64_t in, const typename Factors::Left* x,
                            const typename Factors::Right* weight) {
  typename Factors::Sums sums = {};
  over_steps<Factors>(in, [&](auto span, int64_t j) {
    sums = Factors::add(sums, Factors::left(x + j, span), Factors::right(weight + j, span));
  });
  return sum_of(__builtin_convertvector(sums, Floats));
}
template <class Factors, int R, bool kFirst>
static inline void few_rows_block(FewRows s, int64_t outs, const typename Factors::Left* x,
                                  const typename Factors::Right* weight, float* y) {
  constexpr int kOuts = RUNNER_LANES / R;
  int64_t o = 0;
  for (; o + kOuts <= outs; o += kOuts)
    few_rows_tile<Factors, R, kFirst>(s, x, weight + o * s.in, y + o);
  for (; o < outs; ++o)
    for (int r = 0; r < R; ++r)
      y[r * s.out + o] = one_sum<Factors>(s.in, x + r * s.x_stride, weight + o * s.in);
}

template <int R>
struct RowCount {
  static constexpr int value = R;
};

template <class Factors>
static void few_rows_of(FewRows s, const typename Factors::Left* x, const void* from, float* y) {
  const auto* weight = static_cast<const typename Factors::Right*>(from);
  constexpr int kRows = RUNNER_LANES == 16 ? 4 : RUNNER_LANES == 8 ? 2 : 1;
  for (int64_t o = 0; o < s.count; o += kLanes) {  // these weights stay near for all rows
    const int64_t outs = s.count - o < kLanes ? s.count - o : kLanes;
    const auto* const block = weight + o * s.in;
    int64_t row = 0;
    const auto go = [&](auto rows) {
      constexpr int R = decltype(rows)::value;
      for (; row + R <= s.rows; row += R)
        (row == 0 ? few_rows_block<Factors, R, true>
                  : few_rows_block<Factors, R, false>)(s, outs, x + row * s.x_stride, block,
                                                       y + row * s.out + o);
    };
    go(RowCount<kRows>{});
    if (kRows > 2) go(RowCount<2>{});
    go(RowCount<1>{});
  }
}
static void few_rows(FewRows shape, const float* x, const void* weight, float* y) {
  (shape.bfloat16 ? few_rows_of<FloatFactors<BFloat16>>
                  : few_rows_of<FloatFactors<Float32>>)(shape, x, weight, y);
}

static void few_rows_int8(FewRows shape, const int16_t* x, const float* x_scales,
                          const int8_t* weight, const float* scales, float* y) {
  few_rows_of<IntegerFactors>(shape, x, weight, y);
  for (int64_t row = 0; row < shape.rows; ++row, y += shape.out)
    over_row(shape.count, [&](auto span, int64_t o) {
      const Floats scale = x_scales[row] * Float32::load(scales + o, span);
      Float32::store(y + o, Float32::load(y + o, span) * scale, span);
    });
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
