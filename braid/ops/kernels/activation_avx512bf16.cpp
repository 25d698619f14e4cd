// Compiled for AVX-512 (F, BW, DQ, VL) and its conversions to bfloat16, see CMakeLists.txt.
#define RUNNER_ISA avx512bf16
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_activation_loops.h"

namespace braid::ops {

const ActivationKernels& avx512bf16_activation() {
  static constexpr ActivationKernels table = avx512bf16::make_activation("avx512bf16");
  return table;
}

}  // namespace braid::ops
