// Compiled for AVX-512 (F, BW, DQ, VL) and its conversions to bfloat16, see CMakeLists.txt.
#define RUNNER_ISA avx512bf16
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_depthwise_conv.h"

namespace braid::ops {

const DepthwiseConvKernels& avx512bf16_depthwise_conv() {
  static constexpr DepthwiseConvKernels table = avx512bf16::make_depthwise_conv("avx512bf16");
  return table;
}

}  // namespace braid::ops
