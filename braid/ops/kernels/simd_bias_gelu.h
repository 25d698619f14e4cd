// The loops of GELU behind a bias, and of biases alone, on vectors, see runner/kernels/simd_math.h:
// compiled with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_activations.h"
#include "braid/ops/kernels/simd_layer_norm.h"

namespace braid::ops::RUNNER_ISA {

template <class T>
static void sum_columns(const void* from, int64_t rows, int64_t width, float* sums) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  over_row(width, [&](auto span, int64_t j) {
    Floats even = {}, odd = {};
    int64_t row = 0;
    for (; row + 2 <= rows; row += 2) {
      even += T::load(x + row * width + j, span);
      odd += T::load(x + (row + 1) * width + j, span);
    }
    if (row < rows) even += T::load(x + row * width + j, span);
    Float32::store(sums + j, even + odd, span);
  });
}
static void column_sums(const void* x, int64_t rows, int64_t width, bool bfloat16, float* sums) {
  (bfloat16 ? sum_columns<BFloat16> : sum_columns<Float32>)(x, rows, width, sums);
}

template <class T>
static void gelu_forward(const void* from, void* to, int64_t rows, int64_t width,
                         const float* bias) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  auto* y = static_cast<typename T::Stored*>(to);
  for (int64_t row = 0; row < rows; ++row, x += width, y += width)
    over_row(width, [&](auto span, int64_t j) {
      T::store(y + j, Gelu::of(T::load(x + j, span) + Float32::load(bias + j, span)), span);
    });
}
static void bias_gelu(const void* x, void* y, int64_t rows, int64_t width, bool bfloat16,
                      const float* bias) {
  (bfloat16 ? gelu_forward<BFloat16> : gelu_forward<Float32>)(x, y, rows, width, bias);
}

template <class T>
static void gelu_backward(const void* given, const void* from, void* to, int64_t rows,
                          int64_t width, const float* bias, float* dbias) {
  const auto* dy = static_cast<const typename T::Stored*>(given);
  const auto* x = static_cast<const typename T::Stored*>(from);
  auto* dx = static_cast<typename T::Stored*>(to);
  __builtin_memset(dbias, 0, static_cast<size_t>(width) * 4);
  for (int64_t row = 0; row < rows; ++row, dy += width, x += width, dx += width)
    over_row(width, [&](auto span, int64_t j) {
      const Floats z = T::load(x + j, span) + Float32::load(bias + j, span);
      const Floats d = Gelu::back(z, T::load(dy + j, span));
      T::store(dx + j, d, span);
      Float32::store(dbias + j, Float32::load(dbias + j, span) + d, span);
    });
}
static void bias_gelu_backward(const void* dy, const void* x, void* dx, int64_t rows, int64_t width,
                               bool bfloat16, const float* bias, float* dbias) {
  (bfloat16 ? gelu_backward<BFloat16> : gelu_backward<Float32>)(dy, x, dx, rows, width, bias,
                                                                dbias);
}

}  // namespace braid::ops::RUNNER_ISA
