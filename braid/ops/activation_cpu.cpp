#include "braid/ops/activation_cpu.h"

#include <ATen/Parallel.h>

#include <string_view>

#include "braid/ops/kernel_levels.h"

namespace braid::ops {
namespace {

constexpr int64_t kActivatedTaskNumbers = 16384;  // not worth a thread below

const ActivationKernels* activation_of_level(std::string_view name) {
#if defined(__x86_64__)
  if (name == "avx512bf16") return &avx512bf16_activation();
  if (name == "avx512") return &avx512_activation();
  if (name == "avx2") return &avx2_activation();
#endif
  return name == "baseline" ? &baseline_activation() : nullptr;
}

// work(first byte, numbers)
template <class Work>
void over_parts(Numbers numbers, Work work) {
  at::parallel_for(0, numbers.n, kActivatedTaskNumbers, [&](int64_t begin, int64_t end) {
    work(begin * (numbers.bfloat16 ? 2 : 4), Numbers{end - begin, numbers.bfloat16});
  });
}

}  // namespace

std::vector<const ActivationKernels*> usable_activation_kernels() {
  std::vector<const ActivationKernels*> usable;
  for (const auto level : usable_levels())
    if (const auto* kernels = activation_of_level(level)) usable.push_back(kernels);
  return usable;
}

const ActivationKernels& activation_kernels() {
  static const ActivationKernels& chosen = *activation_of_level(chosen_level());
  return chosen;
}

void activation_forward(const void* x, void* y, Numbers numbers, Activation activation) {
  over_parts(numbers, [&](int64_t byte, Numbers part) {
    activation_kernels().forward(static_cast<const char*>(x) + byte, static_cast<char*>(y) + byte,
                                 part, activation);
  });
}

void activation_backward(const void* dy, const void* x, void* dx, Numbers numbers,
                         Activation activation) {
  over_parts(numbers, [&](int64_t byte, Numbers part) {
    activation_kernels().backward(static_cast<const char*>(dy) + byte,
                                  static_cast<const char*>(x) + byte, static_cast<char*>(dx) + byte,
                                  part, activation);
  });
}

}  // namespace braid::ops
