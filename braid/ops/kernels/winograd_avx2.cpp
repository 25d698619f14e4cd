// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_winograd.h"

namespace braid::ops {

const WinogradKernels& avx2_winograd() {
  static constexpr WinogradKernels table = avx2::make_winograd("avx2");
  return table;
}

}  // namespace braid::ops
