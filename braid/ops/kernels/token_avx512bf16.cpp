// Compiled for AVX-512 (F, BW, DQ, VL, VNNI) and its conversions to bfloat16, see CMakeLists.txt.
#define RUNNER_ISA avx512bf16
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_tokens.h"

namespace braid::ops {

const TokenKernels& avx512bf16_tokens() {
  static constexpr TokenKernels table = avx512bf16::make_tokens("avx512bf16");
  return table;
}

}  // namespace braid::ops
