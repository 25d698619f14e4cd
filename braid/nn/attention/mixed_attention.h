// ConvBERT's mixed attention: attention and a span-based dynamic convolution beside each other,
// each with half of the channels. The convolution's kernel at a token follows from the token and
// its neighbours.
//
// Paper: Jiang et al., https://arxiv.org/abs/2008.02496
// Reference: ConvBertSelfAttention of Hugging Face transformers (Apache-2.0); same keys.
// Differences: padding is zero to the convolutions (the reference's read padded positions).
#pragma once
#include "braid/nn/attention/multi_head_attention.h"
#include "braid/torch.h"

namespace braid::nn {

struct MixedAttentionConfig {
  int64_t dim = 0;        // channels, a multiple of 2 * num_heads
  int64_t num_heads = 1;  // of the attention, and as many of the convolution
  int64_t kernel_size = 9;
  double attn_drop = 0;
  double init_std = 0.02;
};

// Keys: self.query, self.key, self.value, self.key_conv_attn_layer.{depthwise,pointwise,bias},
// self.conv_kernel_layer, self.conv_out_layer, output.dense. Rotary positions have no meaning here.
class MixedAttentionImpl : public TokenMixerImpl {
 public:
  explicit MixedAttentionImpl(const MixedAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const TokenMixerArgs& args) override;

 private:
  MixedAttentionConfig config_;
  torch::nn::Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, conv_kernel_{nullptr},
      conv_out_{nullptr}, output_{nullptr};
  torch::Tensor depthwise_, pointwise_, bias_;  // [D,1,K], [D/2,D,1], [D/2,1]
};
TORCH_MODULE(MixedAttention);

}  // namespace braid::nn
