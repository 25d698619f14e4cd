// The sets of instructions that the kernels of operators are compiled for.
#pragma once
#include <string_view>
#include <vector>

namespace braid::ops {

// Those that this processor can run, the fastest first: the runner's, and "avx512bf16" before
// "avx512".
std::vector<std::string_view> usable_levels();
// The one to use: that of the runner's kernels, with conversions to bfloat16 where there are some.
std::string_view chosen_level();

}  // namespace braid::ops
