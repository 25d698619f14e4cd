// Structural re-parameterization (https://arxiv.org/abs/2101.03697): branches that help training,
// summed into one convolution for inference.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// A module that can replace its branches by one convolution.
class Reparameterizable {
 public:
  virtual ~Reparameterizable() = default;
  // In place; in eval mode the same function as before. A second call does nothing.
  virtual void reparameterize() = 0;
};

// Calls reparameterize() on every such module below `root`. Throws UsageError when `root` is in
// training mode: batch norms then do not use the statistics that go into the convolutions.
void reparameterize_modules(torch::nn::Module& root);

// One convolution's weights, float64 so that a sum of branches is rounded once.
struct FoldedConv {
  torch::Tensor weight;  // [out,in/groups,k,k]
  torch::Tensor bias;    // [out]
};
FoldedConv operator+(const FoldedConv& a, const FoldedConv& b);

// What a batch norm in eval mode multiplies with, float64: [C].
torch::Tensor norm_gain(const torch::nn::BatchNorm2d& norm);
// A convolution of this weight, without bias, and the batch norm behind it.
FoldedConv fold_batch_norm(const torch::Tensor& weight, const torch::nn::BatchNorm2d& norm);
// The convolution that returns its input: [chans,chans/groups,kernel,kernel], float64.
torch::Tensor identity_kernel(int64_t chans, int64_t groups, int64_t kernel,
                              const torch::Device& device);
// Zeros around a kernel of odd size: [...,k,k] -> [...,kernel,kernel].
torch::Tensor widen_kernel(const torch::Tensor& weight, int64_t kernel);
FoldedConv widen_kernel(const FoldedConv& folded, int64_t kernel);
// Copies the weights into `conv` after moving it to the device and type of `like`.
void assign_folded(torch::nn::Conv2d& conv, const FoldedConv& folded, const torch::Tensor& like);

}  // namespace braid::nn
