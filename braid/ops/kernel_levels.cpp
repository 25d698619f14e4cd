#include "braid/ops/kernel_levels.h"

#include "braid/runner/kernels/kernels.h"

namespace braid::ops {
namespace {

constexpr std::string_view kWithBFloat16 = "avx512bf16";

// Whether the processor converts to bfloat16 by the level's vectors.
bool converts_to_bfloat16(std::string_view level) {
#if defined(__x86_64__)
  return level == "avx512" && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace

std::vector<std::string_view> usable_levels() {
  std::vector<std::string_view> usable;
  for (const auto* level : runner::usable_kernels()) {
    if (converts_to_bfloat16(level->name)) usable.push_back(kWithBFloat16);
    usable.emplace_back(level->name);
  }
  return usable;
}

std::string_view chosen_level() {
  const std::string_view level = runner::kernels().name;
  return converts_to_bfloat16(level) ? kWithBFloat16 : level;
}

}  // namespace braid::ops
