// Softmax cross entropy of many classes, such as the words of a vocabulary.
//
// LibTorch's converts the logits to float32, writes their log-softmax and, backward, the gradient
// of every step between: some ten passes over rows of a vocabulary. Ours reads the logits in the
// type that the product wrote, once or twice while they are near, and writes their gradient: 1 + 2
// passes.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// The mean over rows whose label is not -100 of
//   (1 - smoothing) * -log p[label] + smoothing * mean over classes of -log p,
// as torch::nn::functional::cross_entropy has it; float32. logits: [R,K], float32 or bfloat16;
// labels: [R] int64. Throws c10::IndexError for a label that is no class. Its gradient has no
// gradient of its own: asking for one throws.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            double smoothing);
// Whether they are what it takes, and worth it: on the CPU, contiguous, of many classes.
bool is_cross_entropy_fused(const torch::Tensor& logits, const torch::Tensor& labels);
// The same by LibTorch's operators.
torch::Tensor composed_cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                                     double smoothing);

}  // namespace braid::ops
