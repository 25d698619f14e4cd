// Attention whose queries, keys and values pass a depthwise convolution first
// (https://arxiv.org/abs/2103.15808), the CvtAttention of Hugging Face's transformers.
#pragma once
#include <optional>

#include "braid/torch.h"

namespace braid::models {

struct ConvProjectionAttentionConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 1;
  int64_t kernel_size = 3;    // of the convolutions, pixels along one side, odd
  int64_t stride_kv = 2;      // of the convolutions before keys and values
  int64_t prefix_tokens = 0;  // tokens before the grid, such as a class token; they pass by
                              // the convolutions
  bool qkv_bias = true;
  std::optional<double> scale = {};  // of the products of queries and keys; unset: 1 / sqrt(d) with
                                     // d channels per head
  double attn_drop = 0;              // dropout of the attention weights
  double proj_drop = 0;              // dropout of the output
};

// Depthwise convolution and batch norm. Keys: convolution_projection.convolution,
// convolution_projection.normalization.
class ConvProjectionImpl : public torch::nn::Module {
 public:
  ConvProjectionImpl(int64_t dim, int64_t kernel, int64_t stride);
  torch::Tensor forward(const torch::Tensor& map);  // [B,D,H,W] -> [B,N,D]

  torch::nn::Conv2d convolution{nullptr};
  torch::nn::BatchNorm2d normalization{nullptr};
};
TORCH_MODULE(ConvProjection);

// Linear layers and convolutions are initialized by trunc_normal_(0.02). Keys:
// attention.convolution_projection_X.* and attention.projection_X for X of query, key and value;
// output.dense.
class ConvProjectionAttentionImpl : public torch::nn::Module {
 public:
  explicit ConvProjectionAttentionImpl(const ConvProjectionAttentionConfig& config);
  // x: [B,prefix+H*W,D] -> the same shape.
  torch::Tensor forward(const torch::Tensor& x, int64_t H, int64_t W);

  ConvProjection conv_query{nullptr}, conv_key{nullptr}, conv_value{nullptr};
  torch::nn::Linear query{nullptr}, key{nullptr}, value{nullptr}, dense{nullptr};

 private:
  ConvProjectionAttentionConfig config_;
};
TORCH_MODULE(ConvProjectionAttention);

}  // namespace braid::models
