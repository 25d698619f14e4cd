#include "braid/ops/kernel_levels.h"

#include "braid/runner/kernels/kernels.h"

namespace braid::ops {
namespace {

constexpr std::string_view kWithBFloat16 = "avx512bf16";

// Whether the processor, beside the level's vectors, converts to bfloat16 and adds products of
// whole numbers (VNNI) in one instruction each: those that do the one do the other.
bool has_bfloat16_level(std::string_view level) {
#if defined(__x86_64__)
  return level == "avx512" && __builtin_cpu_supports("avx512bf16") &&
         __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

// Instructions for products of bytes are the runner's alone.
std::string_view without_bytes(std::string_view level) {
  return level == "avx512vnni" ? "avx512" : level;
}

}  // namespace

std::vector<std::string_view> usable_levels() {
  std::vector<std::string_view> usable;
  for (const auto* of_runner : runner::usable_kernels()) {
    const auto level = without_bytes(of_runner->name);
    if (level != of_runner->name) continue;  // it comes once more
    if (has_bfloat16_level(level)) usable.push_back(kWithBFloat16);
    usable.push_back(level);
  }
  return usable;
}

std::string_view chosen_level() {
  const auto level = without_bytes(runner::kernels().name);
  return has_bfloat16_level(level) ? kWithBFloat16 : level;
}

}  // namespace braid::ops
