// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_depthwise_conv.h"

namespace braid::ops {

const DepthwiseConvKernels& baseline_depthwise_conv() {
  static constexpr DepthwiseConvKernels table = baseline::make_depthwise_conv("baseline");
  return table;
}

}  // namespace braid::ops
