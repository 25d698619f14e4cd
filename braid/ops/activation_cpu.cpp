#include "braid/ops/activation_cpu.h"

#include <ATen/Parallel.h>

#include "braid/ops/kernel_levels.h"
#include "braid/ops/numbers.h"

namespace braid::ops {
namespace {

constexpr int64_t kActivatedTaskNumbers = 16384;  // not worth a thread below

constexpr KernelLevel<ActivationKernels> kActivationLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512bf16_activation},
    {"avx512", avx512_activation},
    {"avx2", avx2_activation},
#endif
    {"baseline", baseline_activation}};

// work(first byte, numbers)
template <class Work>
void over_parts(Numbers numbers, Work work) {
  at::parallel_for(0, numbers.n, kActivatedTaskNumbers, [&](int64_t begin, int64_t end) {
    work(begin * bytes_of(numbers.bfloat16), Numbers{end - begin, numbers.bfloat16});
  });
}

}  // namespace

std::vector<const ActivationKernels*> usable_activation_kernels() {
  return usable_kernels(kActivationLevels);
}

const ActivationKernels& activation_kernels() {
  static const ActivationKernels& chosen = *kernels_of(kActivationLevels, chosen_level());
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
