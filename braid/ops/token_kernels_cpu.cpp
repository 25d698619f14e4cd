#include "braid/ops/token_kernels_cpu.h"

#include "braid/ops/kernel_levels.h"

namespace braid::ops {
namespace {

constexpr KernelLevel<TokenKernels> kTokenLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512bf16_tokens},
    {"avx512", avx512_tokens},
    {"avx2", avx2_tokens},
#endif
    {"baseline", baseline_tokens}};

}  // namespace

std::vector<const TokenKernels*> usable_token_kernels() { return usable_kernels(kTokenLevels); }

const TokenKernels& token_kernels() {
  static const TokenKernels& chosen = *kernels_of(kTokenLevels, chosen_level());
  return chosen;
}

}  // namespace braid::ops
