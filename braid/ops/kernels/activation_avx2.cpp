// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_activation_loops.h"

namespace braid::ops {

const ActivationKernels& avx2_activation() {
  static constexpr ActivationKernels table = avx2::make_activation("avx2");
  return table;
}

}  // namespace braid::ops
