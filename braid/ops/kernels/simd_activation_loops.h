// The loops of activations on vectors, see runner/kernels/simd_math.h: compiled with one
// instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_activations.h"

namespace braid::ops::RUNNER_ISA {

template <class Body>
static inline void over_numbers(int64_t n, Body body) {
  int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) body(Whole{}, at);
  if (at < n) body(Part{n - at}, at);
}

template <class F, class T>
struct Activate {
  static void run(const void* from, void* to, int64_t n) {
    const auto* x = static_cast<const typename T::Stored*>(from);
    auto* y = static_cast<typename T::Stored*>(to);
    over_numbers(
        n, [=](auto span, int64_t at) { T::store(y + at, F::of(T::load(x + at, span)), span); });
  }
};
static void activation_forward(const void* x, void* y, Numbers numbers, Activation activation) {
  by_activation<Activate>(activation, numbers.bfloat16, x, y, numbers.n);
}

template <class F, class T>
struct ActivateBack {
  static void run(const void* given, const void* from, void* to, int64_t n) {
    const auto* dy = static_cast<const typename T::Stored*>(given);
    const auto* x = static_cast<const typename T::Stored*>(from);
    auto* dx = static_cast<typename T::Stored*>(to);
    over_numbers(n, [=](auto span, int64_t at) {
      T::store(dx + at, F::back(T::load(x + at, span), T::load(dy + at, span)), span);
    });
  }
};
static void activation_backward(const void* dy, const void* x, void* dx, Numbers numbers,
                                Activation activation) {
  by_activation<ActivateBack>(activation, numbers.bfloat16, dy, x, dx, numbers.n);
}

// name: for people, and that of the runner's kernels for the same processors.
static constexpr ActivationKernels make_activation(const char* name) {
  return {.name = name, .forward = activation_forward, .backward = activation_backward};
}

}  // namespace braid::ops::RUNNER_ISA
