// Activations on vectors, see runner/kernels/simd_math.h.
#pragma once
#include "braid/ops/kernels/activation_kernels.h"
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::absolute;
using runner::RUNNER_ISA::all;
using runner::RUNNER_ISA::erf_within_four;
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
  // Left of zero the derivative, and right of it what is left to one, is a function of |z|: a
  // polynomial that fits it up to 5.5, within 6e-7 in float32. No exponential, no division.
  static Floats back(Floats z, Floats dy) {
    const Floats u = smallest(all(5.5f), absolute(z)) * 0.36363637f - 1.0f;
    Floats p = u * 0.020077152f + 0.03984362f;
    p = p * u - 0.17163615f;
    p = p * u - 0.1522611f;
    p = p * u + 0.63537127f;
    p = p * u + 0.049525015f;
    p = p * u - 1.2352341f;
    p = p * u + 0.7515571f;
    p = p * u + 1.0459386f;
    p = p * u - 1.7074996f;
    p = p * u + 0.424861f;
    p = p * u + 1.1521623f;
    p = p * u - 1.3686218f;
    p = p * u + 0.4755305f;
    p = p * u + 0.26014033f;
    p = p * u - 0.33683035f;
    p = p * u + 0.1391034f;
    p = p * u - 0.02202775f;
    return dy * (z < 0 ? p : 1.0f - p);
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
