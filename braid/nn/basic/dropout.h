// The one door to dropout.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// In training every number is zero with this probability, in [0, 1), and the others are divided by
// one minus it; else x. On a CPU by an operator of ours (ops/dropout.h), whose masks are others
// than PyTorch's of the same seed.
torch::Tensor dropout(const torch::Tensor& x, double rate, bool training);
// residual + dropout(x, rate, training)
torch::Tensor dropout_add(const torch::Tensor& x, const torch::Tensor& residual, double rate,
                          bool training);

}  // namespace braid::nn
