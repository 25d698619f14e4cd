// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_batch_norm_act.h"

namespace braid::ops {

const BatchNormActKernels& baseline_batch_norm_act() {
  static constexpr BatchNormActKernels table = baseline::make_batch_norm_act("baseline");
  return table;
}

}  // namespace braid::ops
