// Activations on vectors, see runner/kernels/simd_math.h.
#pragma once
#include "braid/ops/kernels/activation_kernels.h"
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::absolute;
using runner::RUNNER_ISA::all;
using runner::RUNNER_ISA::erf_within_four;
using runner::RUNNER_ISA::exponential;
using runner::RUNNER_ISA::largest;
using runner::RUNNER_ISA::reciprocal;
using runner::RUNNER_ISA::sigmoid;
using runner::RUNNER_ISA::smallest;

// of: the function; back: dy times its derivative.
struct Identity {
  static Floats of(Floats z) { return z; }
  static Floats back(Floats, Floats dy) { return dy; }
};
struct Relu {
  static Floats of(Floats z) { return largest(Floats{}, z); }
  static Floats back(Floats z, Floats dy) { return z <= 0 ? Floats{} : dy; }
};
struct Silu {
  static Floats of(Floats z) { return z * sigmoid(z); }
  static Floats back(Floats z, Floats dy) {
    const Floats s = sigmoid(z);
    return dy * (s + z * s * (1.0f - s));
  }
};
struct Gelu {
  // Below -4 sqrt(2), what rounding leaves of 1 + erf must not grow with z.
  static Floats of(Floats z) {
    const Floats x = largest(all(-4.0f), z * 0.70710678f);
    return 0.70710678f * x * (1.0f + erf_within_four(smallest(all(4.0f), x)));
  }
  // The density's exponential serves the distribution too (Abramowitz and Stegun, 7.1.26: within
  // 1.5e-7).
  static Floats back(Floats z, Floats dy) {
    const Floats e = exponential(-0.5f * z * z);
    const Floats t = reciprocal(1.0f + 0.23164189f * absolute(z));
    Floats p = t * 0.5307027145f - 0.7265760135f;
    p = p * t + 0.7107068705f;
    p = p * t - 0.142248368f;
    p = p * t + 0.1274147960f;
    const Floats tail = p * t * e;
    return dy * ((z < 0 ? tail : 1.0f - tail) + z * (0.39894228f * e));
  }
};

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

}  // namespace braid::ops::RUNNER_ISA
