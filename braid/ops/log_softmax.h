// Log-probabilities of rows of logits in float32, whatever the logits' type: read from memory once,
// written once.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// log(softmax(logits)) over the last dimension: [R,V] -> [R,V] float32.
//
// Ours where is_log_softmax_fused() says so: on the CPU, without recorded gradients, rows of
// float32 or bfloat16 one after another. Else LibTorch's operators compute it. Rows with NaN, or
// with nothing above minus infinity, are NaN.
torch::Tensor log_softmax(const torch::Tensor& logits);
bool is_log_softmax_fused(const torch::Tensor& logits);
// The same by LibTorch's operators.
torch::Tensor composed_log_softmax(const torch::Tensor& logits);

}  // namespace braid::ops
