// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_activation_loops.h"

namespace braid::ops {

const ActivationKernels& avx512_activation() {
  static constexpr ActivationKernels table = avx512::make_activation("avx512");
  return table;
}

}  // namespace braid::ops
