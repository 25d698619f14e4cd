#include "braid/ops/kernel_levels.h"

#include <string>

#include "braid/core/error.h"
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

// The runner's levels and the operators' beside them; with_bfloat16: that which converts too.
struct LevelPair {
  std::string_view of_runner, of_operators, with_bfloat16;
};
constexpr LevelPair kPairs[] = {{"avx512vnni", "avx512", kWithBFloat16},
                                {"avx512", "avx512", kWithBFloat16},
                                {"avx2", "avx2", ""},
                                {"baseline", "baseline", ""}};

const LevelPair& pair_of(std::string_view of_runner) {
  for (const auto& pair : kPairs)
    if (pair.of_runner == of_runner) return pair;
  throw InternalError(
      "kernels", "expected a level of the runner's kernels, got '" + std::string(of_runner) + "'");
}

}  // namespace

std::string_view level_beside(std::string_view of_runner) {
  return pair_of(of_runner).of_operators;
}

bool goes_with(std::string_view level, std::string_view of_runner) {
  const auto& pair = pair_of(of_runner);
  return level == pair.of_operators || (!level.empty() && level == pair.with_bfloat16);
}

std::vector<std::string_view> usable_levels() {
  std::vector<std::string_view> usable;
  for (const auto* of_runner : runner::usable_kernels()) {
    const auto level = level_beside(of_runner->name);
    if (level != of_runner->name) continue;  // it comes once more
    if (has_bfloat16_level(level)) usable.push_back(kWithBFloat16);
    usable.push_back(level);
  }
  return usable;
}

std::string_view chosen_level() {
  const auto level = level_beside(runner::kernels().name);
  return has_bfloat16_level(level) ? kWithBFloat16 : level;
}

}  // namespace braid::ops
