// The sets of instructions that the kernels of operators are compiled for.
#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

namespace braid::ops {

// Those that this processor can run, the fastest first: the runner's, and "avx512bf16" before
// "avx512".
std::vector<std::string_view> usable_levels();
// The one to use: that of the runner's kernels, with conversions to bfloat16 where there are some.
std::string_view chosen_level();

// The set of instructions for which operators' kernels go with the runner's `of_runner`, beside one
// that converts to bfloat16: the same, but of those for products of bytes, which are the runner's
// alone.
std::string_view level_beside(std::string_view of_runner);
// Whether operators' kernels of a level can follow products by the runner's: what both are compiled
// for has vectors of the same instructions.
bool goes_with(std::string_view level, std::string_view of_runner);

// One operator's kernels as they were compiled for a set of instructions.
template <class Kernels>
struct KernelLevel {
  std::string_view name;
  const Kernels& (*kernels)();
};

// None where there are none of that name.
template <class Kernels, size_t kCount>
const Kernels* kernels_of(const KernelLevel<Kernels> (&levels)[kCount], std::string_view name) {
  for (const auto& level : levels)
    if (level.name == name) return &level.kernels();
  return nullptr;
}
// Those that this processor can run, the fastest first.
template <class Kernels, size_t kCount>
std::vector<const Kernels*> usable_kernels(const KernelLevel<Kernels> (&levels)[kCount]) {
  std::vector<const Kernels*> usable;
  for (const auto name : usable_levels())
    if (const auto* kernels = kernels_of(levels, name)) usable.push_back(kernels);
  return usable;
}

}  // namespace braid::ops
