// The inner loops of activations, compiled once for each family of processors.
#pragma once
#include <stdint.h>

namespace braid::ops {

enum class Activation : uint8_t { kIdentity, kRelu, kGelu, kSilu };

// n numbers that lie one after another, bfloat16 or else float32.
struct Numbers {
  int64_t n = 0;
  bool bfloat16 = false;
};

struct ActivationKernels {
  const char* name;
  // y = act(x)
  void (*forward)(const void* x, void* y, Numbers numbers, Activation activation);
  // dx = dy * act'(x)
  void (*backward)(const void* dy, const void* x, void* dx, Numbers numbers, Activation activation);
};

const ActivationKernels& baseline_activation();
const ActivationKernels& avx2_activation();
const ActivationKernels& avx512_activation();
const ActivationKernels& avx512bf16_activation();

}  // namespace braid::ops
