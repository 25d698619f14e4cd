// Lite Transformer's long-short range attention: half of the channels go to attention, the other
// half to a lightweight convolution.
//
// Paper: Wu et al., https://arxiv.org/abs/2004.11886
// Reference: https://github.com/mit-han-lab/lite-transformer (MIT), its two branches; same keys.
// Differences: those of LightweightConv; padding is zero after the branch's first layer (in the
// reference before it, so that its bias reaches the tokens beside).
#pragma once
#include "braid/nn/attention/multi_head_attention.h"
#include "braid/nn/conv/lightweight_conv.h"
#include "braid/torch.h"

namespace braid::nn {

struct LongShortAttentionConfig {
  int64_t dim = 0;        // channels, a multiple of 2 * num_heads
  int64_t num_heads = 1;  // of the attention, and as many kernels
  double attn_drop = 0;
  LightweightConvConfig convolution = {};  // without dim and num_heads
};

// Keys: branches.0 (attention), branches.1 (convolution).
class LongShortAttentionImpl : public TokenMixerImpl {
 public:
  explicit LongShortAttentionImpl(const LongShortAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const TokenMixerArgs& args) override;

 private:
  MultiHeadAttention attention_{nullptr};
  LightweightConv convolution_{nullptr};
};
TORCH_MODULE(LongShortAttention);

}  // namespace braid::nn
