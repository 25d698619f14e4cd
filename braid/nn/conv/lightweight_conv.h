// Lightweight and dynamic convolution between two linear layers: what LightConv has in the place of
// self-attention, and Lite Transformer beside it.
//
// Paper: Wu et al., https://arxiv.org/abs/1901.10430
// Reference: LightweightConv1d and DynamicConv1dTBC of fairseq (MIT).
// Differences: padding is zero to the convolution, so that a text's result does not depend on its
// batch; dropout of weights drops one of a kernel for all positions (fairseq's CPU code: for each).
#pragma once
#include <string>

#include "braid/nn/attention/multi_head_attention.h"
#include "braid/torch.h"

namespace braid::nn {

struct LightweightConvConfig {
  int64_t dim = 0;  // channels, in and out
  int64_t num_heads = 8;
  int64_t kernel_size = 31;  // tokens
  bool dynamic = false;      // kernels follow from each token; else they are weights
  bool glu = false;          // the first layer is a gated one
  bool softmax = true;       // of each kernel
  double weight_drop = 0;    // dropout of the kernels
  double input_drop = 0;
  std::string conv_key{};  // the module that holds the kernels; empty: this one
};

// Keys: linear1, linear2, and weight [H,1,K] or weight_linear [H*K,D] in conv_key. Causal where the
// call's arguments say so, as with a cache, which then keeps what enters the convolution.
class LightweightConvImpl : public TokenMixerImpl {
 public:
  explicit LightweightConvImpl(const LightweightConvConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const TokenMixerArgs& args) override;

 private:
  torch::Tensor dropped(const torch::Tensor& x, double rate) const;
  torch::Tensor with_past(const torch::Tensor& x, KeyValueCache& cache) const;

  LightweightConvConfig config_;
  torch::nn::Linear linear1_{nullptr}, linear2_{nullptr}, weight_linear_{nullptr};
  torch::Tensor weight_;
};
TORCH_MODULE(LightweightConv);

}  // namespace braid::nn
