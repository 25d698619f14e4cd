// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_winograd.h"

namespace braid::ops {

const WinogradKernels& avx512_winograd() {
  static constexpr WinogradKernels table = avx512::make_winograd("avx512");
  return table;
}

}  // namespace braid::ops
