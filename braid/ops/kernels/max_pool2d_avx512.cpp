// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_max_pool2d.h"

namespace braid::ops {

const MaxPoolKernels& avx512_max_pool2d() {
  static constexpr MaxPoolKernels table = avx512::make_max_pool2d("avx512");
  return table;
}

}  // namespace braid::ops
