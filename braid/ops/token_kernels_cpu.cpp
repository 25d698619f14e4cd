#include "braid/ops/token_kernels_cpu.h"

#include <string_view>

#include "braid/ops/kernel_levels.h"

namespace braid::ops {
namespace {

const TokenKernels* tokens_of_level(std::string_view name) {
#if defined(__x86_64__)
  if (name == "avx512bf16") return &avx512bf16_tokens();
  if (name == "avx512") return &avx512_tokens();
  if (name == "avx2") return &avx2_tokens();
#endif
  return name == "baseline" ? &baseline_tokens() : nullptr;
}

}  // namespace

std::vector<const TokenKernels*> usable_token_kernels() {
  std::vector<const TokenKernels*> usable;
  for (const auto level : usable_levels())
    if (const auto* kernels = tokens_of_level(level)) usable.push_back(kernels);
  return usable;
}

const TokenKernels& token_kernels() {
  static const TokenKernels& chosen = *tokens_of_level(chosen_level());
  return chosen;
}

}  // namespace braid::ops
