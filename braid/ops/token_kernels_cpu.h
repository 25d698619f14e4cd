// Which loops of Transformer blocks this processor runs.
#pragma once
#include <vector>

#include "braid/ops/kernels/token_kernels.h"

namespace braid::ops {

// Those for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
const TokenKernels& token_kernels();
std::vector<const TokenKernels*> usable_token_kernels();

}  // namespace braid::ops
