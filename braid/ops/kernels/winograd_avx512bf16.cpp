// Compiled for AVX-512 (F, BW, DQ, VL) and its conversions to bfloat16, see CMakeLists.txt.
#define RUNNER_ISA avx512bf16
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_winograd.h"

namespace braid::ops {

const WinogradKernels& avx512bf16_winograd() {
  static constexpr WinogradKernels table = avx512bf16::make_winograd("avx512bf16");
  return table;
}

}  // namespace braid::ops
