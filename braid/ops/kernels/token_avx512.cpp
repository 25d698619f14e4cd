// Compiled for AVX-512 (F, BW, DQ, VL), see CMakeLists.txt.
#define RUNNER_ISA avx512
#define RUNNER_LANES 16
#include "braid/ops/kernels/simd_tokens.h"

namespace braid::ops {

const TokenKernels& avx512_tokens() {
  static constexpr TokenKernels table = avx512::make_tokens("avx512");
  return table;
}

}  // namespace braid::ops
