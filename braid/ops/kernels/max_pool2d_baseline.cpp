// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_max_pool2d.h"

namespace braid::ops {

const MaxPoolKernels& baseline_max_pool2d() {
  static constexpr MaxPoolKernels table = baseline::make_max_pool2d("baseline");
  return table;
}

}  // namespace braid::ops
