// Compiled for AVX2 and FMA, see CMakeLists.txt.
#define RUNNER_ISA avx2
#define RUNNER_LANES 8
#include "braid/ops/kernels/simd_tokens.h"

namespace braid::ops {

const TokenKernels& avx2_tokens() {
  static constexpr TokenKernels table = avx2::make_tokens("avx2");
  return table;
}

}  // namespace braid::ops
