// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#define RUNNER_ROWS 12
#define RUNNER_VECTORS 2
#include "braid/runner/kernels/simd_table.h"
#include "braid/runner/kernels/tables.h"

namespace braid::runner {

const Kernels& avx512_kernels() {
  static const Kernels table = avx512::make_table("avx512");
  return table;
}

}  // namespace braid::runner
