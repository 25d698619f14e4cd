// Gradient checkpointing: trade a second forward pass for the memory of a block's activations.
#pragma once
#include "braid/torch.h"

#include <functional>

namespace braid::nn {

// Returns block(x) without keeping its activations; the backward pass runs the block again with the
// same random numbers and autocast state, so that gradients are those of the plain call. x must
// require a gradient.
torch::Tensor checkpoint(const std::function<torch::Tensor(const torch::Tensor&)>& block,
                         const torch::Tensor& x);

// block(x), checkpointed when `enable` and gradients are recorded.
template <class Block>
torch::Tensor maybe_checkpoint(bool enable, Block& block, const torch::Tensor& x) {
  if (!enable || !torch::GradMode::is_enabled() || !x.requires_grad()) return block->forward(x);
  auto copy = block;  // a module holder shares its module
  return checkpoint([copy](const torch::Tensor& input) mutable { return copy->forward(input); }, x);
}

}  // namespace braid::nn
