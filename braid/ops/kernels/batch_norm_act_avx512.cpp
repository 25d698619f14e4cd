// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_batch_norm_act.h"

namespace braid::ops {

const BatchNormActKernels& avx512_batch_norm_act() {
  static constexpr BatchNormActKernels table = avx512::make_batch_norm_act("avx512");
  return table;
}

}  // namespace braid::ops
