// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_depthwise_conv.h"

namespace braid::ops {

const DepthwiseConvKernels& avx2_depthwise_conv() {
  static constexpr DepthwiseConvKernels table = avx2::make_depthwise_conv("avx2");
  return table;
}

}  // namespace braid::ops
