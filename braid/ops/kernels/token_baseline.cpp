// Compiled for what every processor of the family has, see CMakeLists.txt.
#define RUNNER_ISA baseline
#define RUNNER_LANES 4
#include "braid/ops/kernels/simd_tokens.h"

namespace braid::ops {

const TokenKernels& baseline_tokens() {
  static constexpr TokenKernels table = baseline::make_tokens("baseline");
  return table;
}

}  // namespace braid::ops
