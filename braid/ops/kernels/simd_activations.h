// Activations and their derivatives on vectors, see runner/kernels/simd_math.h.
#pragma once
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::absolute;
using runner::RUNNER_ISA::erf_of;
using runner::RUNNER_ISA::exponential;
using runner::RUNNER_ISA::largest;
using runner::RUNNER_ISA::sigmoid;

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
  static Floats of(Floats z) { return 0.5f * z * (1.0f + erf_of(z * 0.70710678f)); }
  // The density's exponential serves the distribution too (Abramowitz and Stegun, 7.1.26: within
  // 1.5e-7).
  static Floats back(Floats z, Floats dy) {
    const Floats e = exponential(-0.5f * z * z);
    const Floats t = 1.0f / (1.0f + 0.23164189f * absolute(z));
    Floats p = t * 0.5307027145f - 0.7265760135f;
    p = p * t + 0.7107068705f;
    p = p * t - 0.142248368f;
    p = p * t + 0.1274147960f;
    const Floats tail = p * t * e;
    return dy * ((z < 0 ? tail : 1.0f - tail) + z * (0.39894228f * e));
  }
};

}  // namespace braid::ops::RUNNER_ISA
