// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#define RUNNER_ROWS 6
#define RUNNER_VECTORS 2
#include "braid/runner/kernels/simd_table.h"
#include "braid/runner/kernels/tables.h"

namespace braid::runner {

const Kernels& avx2_kernels() {
  static const Kernels table = avx2::make_table("avx2");
  return table;
}

}  // namespace braid::runner
