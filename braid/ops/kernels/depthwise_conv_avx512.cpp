// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_depthwise_conv.h"

namespace braid::ops {

const DepthwiseConvKernels& avx512_depthwise_conv() {
  static constexpr DepthwiseConvKernels table = avx512::make_depthwise_conv("avx512");
  return table;
}

}  // namespace braid::ops
