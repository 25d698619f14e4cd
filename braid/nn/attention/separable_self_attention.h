// Self-attention at a cost linear in the number of tokens.
//
// Paper: Mehta & Rastegari, "Separable Self-attention for Mobile Vision Transformers",
// https://arxiv.org/abs/2206.02680
// Reference: timm's LinearSelfAttention (mobilevit.py, Apache-2.0,
// adapted from https://github.com/apple/ml-cvnets, Apple's sample code licence); same keys and
// shapes.
#pragma once

#include "braid/nn/basic/pointwise.h"
#include "braid/torch.h"

namespace braid::nn {

struct SeparableSelfAttentionConfig {
  int64_t dim = 0;  // channels
  bool bias = true;
  double attn_drop = 0;  // dropout of the context scores
  double proj_drop = 0;  // dropout of the output
};

// One query score per token, softmax over the tokens; the keys, averaged by it, are a context
// vector that gates every value: out_proj(relu(v) * sum(softmax(q) k)). Keys: qkv_proj, out_proj,
// 1x1 convolutions.
class SeparableSelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SeparableSelfAttentionImpl(const SeparableSelfAttentionConfig& config);
  // P independent groups of N tokens: [B,P,N,C] -> [B,P,N,C].
  torch::Tensor forward(const torch::Tensor& x);

  Pointwise qkv_proj{nullptr}, out_proj{nullptr};

 private:
  SeparableSelfAttentionConfig config_;
};
TORCH_MODULE(SeparableSelfAttention);

}  // namespace braid::nn
