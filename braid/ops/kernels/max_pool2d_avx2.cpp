// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_max_pool2d.h"

namespace braid::ops {

const MaxPoolKernels& avx2_max_pool2d() {
  static constexpr MaxPoolKernels table = avx2::make_max_pool2d("avx2");
  return table;
}

}  // namespace braid::ops
