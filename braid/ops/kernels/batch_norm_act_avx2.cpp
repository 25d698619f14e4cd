// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_batch_norm_act.h"

namespace braid::ops {

const BatchNormActKernels& avx2_batch_norm_act() {
  static constexpr BatchNormActKernels table = avx2::make_batch_norm_act("avx2");
  return table;
}

}  // namespace braid::ops
