// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_winograd.h"

namespace braid::ops {

const WinogradKernels& baseline_winograd() {
  static constexpr WinogradKernels table = baseline::make_winograd("baseline");
  return table;
}

}  // namespace braid::ops
