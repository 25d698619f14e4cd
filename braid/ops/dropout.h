// Dropout whose mask is computed from positions, again in the backward pass: nothing is kept for
// it.
//
// Paper: Srivastava et al., https://jmlr.org/papers/v15/srivastava14a.html
// LibTorch's draws a mask by one thread (Mersenne Twister), divides it and multiplies by it: on a
// CPU that is a seventh of a BERT's training step. Ours reads x and writes y, and adds a residual
// on the way; backward reads dy and writes dx.
#pragma once
#include "braid/ops/kernels/dropout_hash.h"
#include "braid/torch.h"

namespace braid::ops {

// rate: in [0, 1). Draws from the CPU's generator, once whatever is dropped, so that a seed decides
// it and the number of threads does not.
DropRule draw_drop_rule(double rate);
// Of the number at that position.
bool keeps(const DropRule& rule, int64_t position);

// Where the rule keeps it x * scale, else 0; plus the residual, where there is one: x's shape. The
// result has the residual's type, else x's. All are on the CPU, contiguous, float32 or bfloat16, as
// can_drop() says. Differentiable any number of times.
torch::Tensor dropout(const torch::Tensor& x, const DropRule& rule,
                      const torch::Tensor& residual = {});
bool can_drop(const torch::Tensor& x, const torch::Tensor& residual = {});

}  // namespace braid::ops
