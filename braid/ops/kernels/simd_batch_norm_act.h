// The loops of batch norm with an activation on vectors, see runner/kernels/simd_math.h: compiled
// with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/batch_norm_act_kernels.h"
#include "braid/ops/kernels/simd_activations.h"

namespace braid::ops::RUNNER_ISA {

// Work<F, T>::run(arguments) for the activation and how its numbers lie.
template <template <class, class> class Work, class F, class... Arguments>
static void by_type(bool bfloat16, Arguments... arguments) {
  if (bfloat16)
    Work<F, BFloat16>::run(arguments...);
  else
    Work<F, Float32>::run(arguments...);
}
template <template <class, class> class Work, class... Arguments>
static void by_activation(Activation activation, bool bfloat16, Arguments... arguments) {
  switch (activation) {
    case Activation::kIdentity:
      return by_type<Work, Identity>(bfloat16, arguments...);
    case Activation::kRelu:
      return by_type<Work, Relu>(bfloat16, arguments...);
    case Activation::kGelu:
      return by_type<Work, Gelu>(bfloat16, arguments...);
    case Activation::kSilu:
      return by_type<Work, Silu>(bfloat16, arguments...);
  }
}

// body(span, at, j): the numbers from `at` on, at the place j of a row. Row by row, since several
// rows at a time would be as many streams from memory, which are slower together.
template <class Body>
static inline void over_block(Block block, Body body) {
  int64_t at = 0;
  for (int64_t row = 0; row < block.rows; ++row) {
    int64_t j = 0;
    for (; j + kLanes <= block.width; j += kLanes) body(Whole{}, at + j, j);
    if (j < block.width) body(Part{block.width - j}, at + j, j);
    at += block.width;
  }
}

template <class F, class T>
struct Moments {
  static void run(const void* from, Block block, const float* center, float* sums, float* squares) {
    const auto* x = static_cast<const typename T::Stored*>(from);
    __builtin_memset(sums, 0, static_cast<size_t>(block.width) * 4);
    __builtin_memset(squares, 0, static_cast<size_t>(block.width) * 4);
    over_block(block, [=](auto span, int64_t at, int64_t j) {
      const Floats c = Float32::load(center + j, span);
      const Floats d = T::load(x + at, span) - c;
      const Floats sum = Float32::load(sums + j, span) + d;
      const Floats square = Float32::load(squares + j, span) + d * d;
      Float32::store(sums + j, sum, span);
      Float32::store(squares + j, square, span);
    });
  }
};
static void moments(const void* x, Block block, const float* center, float* sums, float* squares) {
  by_type<Moments, Identity>(block.bfloat16, x, block, center, sums, squares);
}

template <class F, class T>
struct Apply {
  static void run(const void* from, void* to, Block block, Affine affine) {
    const auto* x = static_cast<const typename T::Stored*>(from);
    auto* y = static_cast<typename T::Stored*>(to);
    over_block(block, [=](auto span, int64_t at, int64_t j) {
      const Floats mean = Float32::load(affine.mean + j, span);
      const Floats scale = Float32::load(affine.scale + j, span);
      const Floats bias = Float32::load(affine.bias + j, span);
      T::store(y + at, F::of((T::load(x + at, span) - mean) * scale + bias), span);
    });
  }
};
static void apply(const void* x, void* y, Block block, Affine affine, Activation activation) {
  by_activation<Apply>(activation, block.bfloat16, x, y, block, affine);
}

// x - mean, the scale, and dy times the activation's derivative there: at the place j of a row.
struct Back {
  Floats d, scale, g;
};
template <class F, class T, class Span>
static inline Back back_of(const typename T::Stored* dy, const typename T::Stored* x, Affine affine,
                           Span span, int64_t j) {
  const Floats scale = Float32::load(affine.scale + j, span);
  const Floats bias = Float32::load(affine.bias + j, span);
  const Floats d = T::load(x, span) - Float32::load(affine.mean + j, span);
  return {d, scale, F::back(d * scale + bias, T::load(dy, span))};
}

template <class F, class T>
struct Reduce {
  static void run(const void* given, const void* from, Block block, Affine affine, float* sums,
                  float* products) {
    const auto* dy = static_cast<const typename T::Stored*>(given);
    const auto* x = static_cast<const typename T::Stored*>(from);
    __builtin_memset(sums, 0, static_cast<size_t>(block.width) * 4);
    __builtin_memset(products, 0, static_cast<size_t>(block.width) * 4);
    over_block(block, [=](auto span, int64_t at, int64_t j) {
      const Back back = back_of<F, T>(dy + at, x + at, affine, span, j);
      const Floats sum = Float32::load(sums + j, span) + back.g;
      const Floats product = Float32::load(products + j, span) + back.g * back.d;
      Float32::store(sums + j, sum, span);
      Float32::store(products + j, product, span);
    });
  }
};
static void reduce(const void* dy, const void* x, Block block, Affine affine, Activation activation,
                   float* sums, float* products) {
  by_activation<Reduce>(activation, block.bfloat16, dy, x, block, affine, sums, products);
}

template <class F, class T>
struct Gradient {
  static void run(const void* given, const void* from, void* to, Block block, Affine affine,
                  const float* slope, const float* offset) {
    const auto* dy = static_cast<const typename T::Stored*>(given);
    const auto* x = static_cast<const typename T::Stored*>(from);
    auto* dx = static_cast<typename T::Stored*>(to);
    over_block(block, [=](auto span, int64_t at, int64_t j) {
      const Back back = back_of<F, T>(dy + at, x + at, affine, span, j);
      const Floats by = Float32::load(slope + j, span), plus = Float32::load(offset + j, span);
      T::store(dx + at, back.scale * back.g + (by * back.d + plus), span);
    });
  }
};
static void gradient(const void* dy, const void* x, void* dx, Block block, Affine affine,
                     Activation activation, const float* slope, const float* offset) {
  by_activation<Gradient>(activation, block.bfloat16, dy, x, dx, block, affine, slope, offset);
}

// name: for people, and that of the runner's kernels for the same processors.
static constexpr BatchNormActKernels make_batch_norm_act(const char* name) {
  return {.name = name, .moments = moments, .apply = apply, .reduce = reduce, .gradient = gradient};
}

}  // namespace braid::ops::RUNNER_ISA
