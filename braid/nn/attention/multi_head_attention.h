// Multi-head attention with a projection each for queries, keys and values, as language models
// store it: over its own tokens, or over those of an encoder (cross-attention).
//
// Paper: Vaswani et al., https://arxiv.org/abs/1706.03762
// Reference: BertSelfAttention, MarianAttention of Hugging Face transformers (Apache-2.0).
#pragma once

#include <memory>
#include <string>

#include "braid/nn/attention/core.h"
#include "braid/nn/attention/key_value_cache.h"
#include "braid/torch.h"

namespace braid::nn {

// What one call knows besides the tokens.
struct TokenMixerArgs {
  torch::Tensor key_padding = {};  // [B,M] bool, true: a token, false: padding; undefined: all are
  torch::Tensor bias = {};         // added to the products, broadcast to [B,h,N,M]
  torch::Tensor rotary = {};       // [N,2d], sines and cosines as apply_rotary has them
  bool causal = false;             // a token sees itself and those before it
  // Keys and values come from here, [B,M,D]; undefined: from the tokens themselves. Rows of tokens
  // that follow each other may share a row of it, as many for each; its padding is [B,M] then.
  torch::Tensor memory = {};
  // Of the tokens: those before, to which the call adds its own. Of a memory: filled by the first
  // call and only read by further ones.
  KeyValueCache* cache = nullptr;
};

// What lets tokens see each other: attention, convolution or both.
class TokenMixerImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x, const TokenMixerArgs& args) = 0;
};
TORCH_MODULE(TokenMixer);

// Names of the projections; a dot stands for a module between.
struct AttentionKeys {
  std::string q = "q_proj", k = "k_proj", v = "v_proj", out = "out_proj";
};

struct MultiHeadAttentionConfig {
  int64_t dim = 0;         // channels, in and out
  int64_t memory_dim = 0;  // channels of the memory, 0: dim
  int64_t num_heads = 8;
  int64_t head_dim = 0;  // 0: dim / num_heads
  bool qkv_bias = true;
  bool out_bias = true;
  double attn_drop = 0;  // dropout of the attention weights
  AttentionKeys keys = {};
};

// [B,N,D] -> [B,N,D]. Weights begin as PyTorch draws linear layers.
class MultiHeadAttentionImpl : public TokenMixerImpl {
 public:
  explicit MultiHeadAttentionImpl(const MultiHeadAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const TokenMixerArgs& args) override;

  torch::nn::Linear q{nullptr}, k{nullptr}, v{nullptr}, out{nullptr};

 private:
  MultiHeadAttentionConfig config_;
};
TORCH_MODULE(MultiHeadAttention);

}  // namespace braid::nn
