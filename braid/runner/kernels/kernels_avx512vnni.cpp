// Compiled for AVX-512 (F, BW, DQ, VL, VNNI), see CMakeLists.txt.
#define RUNNER_ISA avx512vnni
#define RUNNER_LANES 16
#define RUNNER_ROWS 12
#define RUNNER_VECTORS 2
#include "braid/runner/kernels/simd_table.h"
#include "braid/runner/kernels/tables.h"

namespace braid::runner {

const Kernels& avx512vnni_kernels() {
  static const Kernels table = avx512vnni::make_table("avx512vnni");
  return table;
}

}  // namespace braid::runner
