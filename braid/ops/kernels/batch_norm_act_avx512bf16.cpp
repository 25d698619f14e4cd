// Compiled for AVX-512 (F, BW, DQ, VL) and its conversions to bfloat16, see CMakeLists.txt.
#define RUNNER_ISA avx512bf16
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_batch_norm_act.h"

namespace braid::ops {

const BatchNormActKernels& avx512bf16_batch_norm_act() {
  static constexpr BatchNormActKernels table = avx512bf16::make_batch_norm_act("avx512bf16");
  return table;
}

}  // namespace braid::ops
