#include "braid/nn/conv/reparameterize.h"

#include "braid/core/error.h"

namespace braid::nn {
namespace {

// Outermost first: a module that fuses takes its children along.
void fuse_below(torch::nn::Module& module) {
  if (auto* block = dynamic_cast<Reparameterizable*>(&module)) {
    block->reparameterize();
    return;
  }
  for (const auto& child : module.children()) fuse_below(*child);
}

}  // namespace

void reparameterize_modules(torch::nn::Module& root) {
  if (root.is_training())
    throw UsageError("nn", "expected a model in eval mode, got one in training mode",
                     "reparameterize", "call eval() first");
  const torch::NoGradGuard no_grad;
  fuse_below(root);
}

FoldedConv operator+(const FoldedConv& a, const FoldedConv& b) {
  return {a.weight + b.weight, a.bias + b.bias};
}

torch::Tensor norm_gain(const torch::nn::BatchNorm2d& norm) {
  return norm->weight.to(torch::kDouble) *
         (norm->running_var.to(torch::kDouble) + norm->options.eps()).rsqrt();
}

FoldedConv fold_batch_norm(const torch::Tensor& weight, const torch::nn::BatchNorm2d& norm) {
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kDouble); };
  const auto gain = norm_gain(norm);
  return {wide(weight) * gain.view({-1, 1, 1, 1}),
          wide(norm->bias) - wide(norm->running_mean) * gain};
}

torch::Tensor identity_kernel(int64_t chans, int64_t groups, int64_t kernel,
                              const torch::Device& device) {
  const auto options = torch::dtype(torch::kDouble).device(device);
  const int64_t width = chans / groups;
  const auto centre = torch::eye(width, options).repeat({groups, 1});  // [chans,width]
  return widen_kernel(centre.view({chans, width, 1, 1}), kernel);
}

torch::Tensor widen_kernel(const torch::Tensor& weight, int64_t kernel) {
  const int64_t rim = (kernel - weight.size(-1)) / 2;
  return torch::constant_pad_nd(weight, {rim, rim, rim, rim}, 0);
}

FoldedConv widen_kernel(const FoldedConv& folded, int64_t kernel) {
  return {widen_kernel(folded.weight, kernel), folded.bias};
}

void assign_folded(torch::nn::Conv2d& conv, const FoldedConv& folded, const torch::Tensor& like) {
  const torch::NoGradGuard no_grad;
  conv->to(like.device(), like.scalar_type());
  conv->eval();
  conv->weight.copy_(folded.weight);
  conv->bias.copy_(folded.bias);
}

}  // namespace braid::nn
