// The tokenizer and encoder that ViT-Lite and the Compact Convolutional Transformer share.
//
// Paper: Hassani et al., "Escaping the Big Data Paradigm with Compact Transformers",
// https://arxiv.org/abs/2104.05704
// Reference: https://github.com/SHI-Labs/Compact-Transformers
// (Apache-2.0). Keys and shapes are those of the reference.
#pragma once

#include <vector>

#include "braid/nn/basic/block_list.h"
#include "braid/torch.h"

namespace braid::models {

struct CompactTokenizerConfig {
  int64_t in_chs = 3;
  int64_t embed_dim = 256;
  int64_t conv_layers = 1;
  int64_t hidden_chs = 64;  // of all convolutions but the last
  int64_t kernel_size = 3;
  int64_t stride = 1;
  int64_t padding = 1;
  bool conv_bias = false;
  bool relu = true;
  bool max_pool = true;  // 3x3, stride 2, after each convolution
};

// Convolutions to tokens: [B,C,H,W] -> [B,N,D]. Keys: conv_layers.I.0.
class CompactTokenizerImpl : public torch::nn::Module {
 public:
  explicit CompactTokenizerImpl(const CompactTokenizerConfig& config);
  torch::Tensor forward(torch::Tensor x);
  // Tokens along one side for images of img_size pixels.
  int64_t grid_size(int64_t img_size) const;

  torch::nn::ModuleList conv_layers;

 private:
  CompactTokenizerConfig config_;
  std::vector<torch::nn::Conv2d> convs_;
};
TORCH_MODULE(CompactTokenizer);

struct CompactTransformerConfig {
  int64_t num_classes = 1000;
  int64_t embed_dim = 256;
  int64_t depth = 7;
  int64_t num_heads = 4;
  double mlp_ratio = 2.0;
  int64_t grid_size = 8;  // tokens along one side of the grid
  bool seq_pool = true;   // pool tokens by learned weights; else a class token
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
};

// The encoder with its learned positions, pooling and classifier. Keys: positional_emb, class_emb
// or attention_pool, blocks.I.*, norm, fc.
class CompactTransformerImpl : public torch::nn::Module {
 public:
  explicit CompactTransformerImpl(const CompactTransformerConfig& config);
  // Tokens [B,N,D] -> encoded tokens [B,N,D] (N+1 with a class token), normalized.
  torch::Tensor encode(torch::Tensor x, bool checkpointing);
  torch::Tensor pool(const torch::Tensor& tokens);  // [B,N,D] -> [B,D]
  void reset_classifier(int64_t num_classes);
  int64_t prefix_tokens() const { return config_.seq_pool ? 0 : 1; }
  int64_t grid_size() const { return config_.grid_size; }

  torch::Tensor positional_emb, class_emb;
  torch::nn::Linear attention_pool{nullptr}, fc{nullptr};
  nn::BlockList blocks;
  torch::nn::LayerNorm norm{nullptr};

 private:
  CompactTransformerConfig config_;
};
TORCH_MODULE(CompactTransformer);

}  // namespace braid::models
