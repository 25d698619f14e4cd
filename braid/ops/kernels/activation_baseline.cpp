// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_activation_loops.h"

namespace braid::ops {

const ActivationKernels& baseline_activation() {
  static constexpr ActivationKernels table = baseline::make_activation("baseline");
  return table;
}

}  // namespace braid::ops
