// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#if defined(__aarch64__)  // 32 registers
#define RUNNER_ROWS 8
#define RUNNER_VECTORS 3
#else
#define RUNNER_ROWS 4
#define RUNNER_VECTORS 2
#endif
#include "braid/runner/kernels/simd_table.h"
#include "braid/runner/kernels/tables.h"

namespace braid::runner {

const Kernels& baseline_kernels() {
  static const Kernels table = baseline::make_table("baseline");
  return table;
}

}  // namespace braid::runner
