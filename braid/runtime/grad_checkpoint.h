// Gradient checkpointing: trade a second forward pass for the memory of a block's activations.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "braid/torch.h"

namespace braid::runtime {

// Returns block(x) without keeping its activations; the backward pass runs the block again with the
// same random numbers and autocast state, so that gradients are those of the plain call. x must
// require a gradient.
torch::Tensor checkpoint(const std::function<torch::Tensor(const torch::Tensor&)>& block,
                         const torch::Tensor& x);
// The same for a block of several inputs and outputs; one input must require a gradient.
std::vector<torch::Tensor> checkpoint(
    const std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>& block,
    const std::vector<torch::Tensor>& inputs);

// block(x), checkpointed when `enable` and gradients are recorded.
torch::Tensor checkpoint_if(bool enable,
                            const std::function<torch::Tensor(const torch::Tensor&)>& block,
                            const torch::Tensor& x);
// The same for a block of several inputs, of which the first decides.
torch::Tensor checkpoint_if(
    bool enable, const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& block,
    const std::vector<torch::Tensor>& inputs);
// The same for a module.
template <class Block>
torch::Tensor maybe_checkpoint(bool enable, Block& block, const torch::Tensor& x) {
  return checkpoint_if(
      enable,  // a module holder shares its module
      [copy = block](const torch::Tensor& input) mutable { return copy->forward(input); }, x);
}

// The same for a block of two branches: (a, b) -> (a', b').
template <class Block>
std::pair<torch::Tensor, torch::Tensor> maybe_checkpoint(bool enable, Block& block,
                                                         const torch::Tensor& a,
                                                         const torch::Tensor& b) {
  if (!enable || !torch::GradMode::is_enabled() || !(a.requires_grad() || b.requires_grad()))
    return block->forward(a, b);
  const auto outputs = checkpoint(
      [copy =
           block](const std::vector<torch::Tensor>& inputs) mutable -> std::vector<torch::Tensor> {
        auto [c, d] = copy->forward(inputs[0], inputs[1]);
        return {c, d};
      },
      {a, b});
  return {outputs[0], outputs[1]};
}

}  // namespace braid::runtime
