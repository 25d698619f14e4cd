// Activations of numbers that lie one after another, on several threads.
#pragma once
#include <vector>

#include "braid/ops/kernels/activation_kernels.h"

namespace braid::ops {

// Those for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
const ActivationKernels& activation_kernels();
std::vector<const ActivationKernels*> usable_activation_kernels();

void activation_forward(const void* x, void* y, Numbers numbers, Activation activation);
void activation_backward(const void* dy, const void* x, void* dx, Numbers numbers,
                         Activation activation);

}  // namespace braid::ops
