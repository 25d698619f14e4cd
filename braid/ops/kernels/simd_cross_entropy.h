// The loops of cross entropy over rows of logits on vectors, see runner/kernels/simd_math.h:
// compiled with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"

namespace braid::ops::RUNNER_ISA {

template <class T>
static RowSums sums_of_logits(const void* from, int64_t width) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  Floats most = Floats{} - __builtin_inff(), numbers = {}, exps = {};
  float rest = -__builtin_inff();
  over_row(width, [&](auto span, int64_t j) {
    const Floats v = T::load(x + j, span);
    numbers += only(v, span);
    if constexpr (__is_same(decltype(span), Whole))
      most = v > most ? v : most;
    else
      for (int i = 0; i < span.n; ++i) rest = v[i] > rest ? v[i] : rest;
  });
  for (int i = 0; i < RUNNER_LANES; ++i) rest = most[i] > rest ? most[i] : rest;
  over_row(width, [&](auto span, int64_t j) {
    exps += only(runner::RUNNER_ISA::exponential(T::load(x + j, span) - rest), span);
  });
  return {rest, sum_of(exps), sum_of(numbers)};
}
static RowSums logit_sums(const void* x, int64_t width, bool bfloat16) {
  return (bfloat16 ? sums_of_logits<BFloat16> : sums_of_logits<Float32>)(x, width);
}

template <class T>
static void shift_row(const void* from, float* y, int64_t width, float first, float second) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  over_row(width, [&](auto span, int64_t j) {
    Float32::store(y + j, (T::load(x + j, span) - first) - second, span);
  });
}
static void shift(const void* x, float* y, int64_t width, bool bfloat16, float first,
                  float second) {
  (bfloat16 ? shift_row<BFloat16> : shift_row<Float32>)(x, y, width, first, second);
}

template <class T>
static void gradient_of_logits(const void* from, void* to, int64_t width, LogitGradient g) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  auto* dx = static_cast<typename T::Stored*>(to);
  const auto gradient = [&](Floats v) {
    return (runner::RUNNER_ISA::exponential(v - g.log_sum) - g.every) * g.scale;
  };
  over_row(width,
           [&](auto span, int64_t j) { T::store(dx + j, gradient(T::load(x + j, span)), span); });
  const Part one{1};
  const Floats hit = gradient(T::load(x + g.label, one)) - g.of_label * g.scale;
  T::store(dx + g.label, hit, one);
}
static void logit_gradient(const void* x, void* dx, int64_t width, bool bfloat16,
                           LogitGradient gradient) {
  (bfloat16 ? gradient_of_logits<BFloat16> : gradient_of_logits<Float32>)(x, dx, width, gradient);
}

}  // namespace braid::ops::RUNNER_ISA
