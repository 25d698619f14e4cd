// The loops of layer norm over the last dimension on vectors, see runner/kernels/simd_math.h:
// compiled with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"

namespace braid::ops::RUNNER_ISA {

// body(span, j): the numbers of a row from j on.
template <class Body>
static inline void over_row(int64_t width, Body body) {
  int64_t j = 0;
  for (; j + kLanes <= width; j += kLanes) body(Whole{}, j);
  if (j < width) body(Part{width - j}, j);
}
// Zero where a part of a vector has no number.
static inline Floats only(Floats v, Whole) { return v; }
static inline Floats only(Floats v, Part part) {
  for (int i = 0; i < RUNNER_LANES; ++i)
    if (i >= part.n) v[i] = 0;
  return v;
}

template <class In, class Out>
static void norm_forward(const void* from, void* to, NormRows shape, const float* weight,
                         const float* bias, float eps, float* means, float* rstds) {
  const auto* x = static_cast<const typename In::Stored*>(from);
  auto* y = static_cast<typename Out::Stored*>(to);
  const int64_t width = shape.width;
  const float share = 1.0f / static_cast<float>(width);
  for (int64_t row = 0; row < shape.rows; ++row, x += width, y += width) {
    Floats sums = {}, squares = {};
    over_row(width, [&](auto span, int64_t j) { sums += In::load(x + j, span); });
    const float mean = sum_of(sums) * share;
    over_row(width, [&](auto span, int64_t j) {
      const Floats d = only(In::load(x + j, span) - mean, span);
      squares += d * d;
    });
    const float rstd = 1.0f / __builtin_sqrtf(sum_of(squares) * share + eps);
    means[row] = mean;
    rstds[row] = rstd;
    over_row(width, [&](auto span, int64_t j) {
      const Floats normal = (In::load(x + j, span) - mean) * rstd;
      const Floats scaled =
          normal * Float32::load(weight + j, span) + Float32::load(bias + j, span);
      Out::store(y + j, scaled, span);
    });
  }
}

template <class In, class Out>
static void norm_backward(const void* given, const void* from, void* to, NormRows shape,
                          const float* weight, const float* means, const float* rstds,
                          float* dweight, float* dbias) {
  const auto* dy = static_cast<const typename Out::Stored*>(given);
  const auto* x = static_cast<const typename In::Stored*>(from);
  auto* dx = static_cast<typename In::Stored*>(to);
  const int64_t width = shape.width;
  const float share = 1.0f / static_cast<float>(width);
  const bool of_parameters = dweight != nullptr;
  if (of_parameters) {
    __builtin_memset(dweight, 0, static_cast<size_t>(width) * 4);
    __builtin_memset(dbias, 0, static_cast<size_t>(width) * 4);
  }
  for (int64_t row = 0; row < shape.rows; ++row, x += width, dy += width) {
    const float mean = means[row], rstd = rstds[row];
    Floats sums = {}, products = {};
    over_row(width, [&](auto span, int64_t j) {
      const Floats d = Out::load(dy + j, span);
      const Floats normal = (In::load(x + j, span) - mean) * rstd;
      const Floats g = d * Float32::load(weight + j, span);
      sums += g;
      products += g * normal;
      if (of_parameters) {
        Float32::store(dweight + j, Float32::load(dweight + j, span) + d * normal, span);
        Float32::store(dbias + j, Float32::load(dbias + j, span) + d, span);
      }
    });
    if (dx == nullptr) continue;
    const float sum = sum_of(sums) * share, product = sum_of(products) * share;
    over_row(width, [&](auto span, int64_t j) {
      const Floats normal = (In::load(x + j, span) - mean) * rstd;
      const Floats g = Out::load(dy + j, span) * Float32::load(weight + j, span);
      In::store(dx + j, rstd * (g - sum - normal * product), span);
    });
    dx += width;
  }
}

static void layer_norm(const void* x, void* y, NormRows shape, const float* weight,
                       const float* bias, float eps, float* mean, float* rstd) {
  const auto run =
      shape.x_bfloat16
          ? (shape.y_bfloat16 ? norm_forward<BFloat16, BFloat16> : norm_forward<BFloat16, Float32>)
          : (shape.y_bfloat16 ? norm_forward<Float32, BFloat16> : norm_forward<Float32, Float32>);
  run(x, y, shape, weight, bias, eps, mean, rstd);
}

static void layer_norm_backward(const void* dy, const void* x, void* dx, NormRows shape,
                                const float* weight, const float* mean, const float* rstd,
                                float* dweight, float* dbias) {
  const auto run =
      shape.x_bfloat16
          ? (shape.y_bfloat16 ? norm_backward<BFloat16, BFloat16>
                              : norm_backward<BFloat16, Float32>)
          : (shape.y_bfloat16 ? norm_backward<Float32, BFloat16> : norm_backward<Float32, Float32>);
  run(dy, x, dx, shape, weight, mean, rstd, dweight, dbias);
}

}  // namespace braid::ops::RUNNER_ISA
