// Conformer's parallel block: a convolutional and a Transformer branch that exchange features.
//
// Paper: Peng et al., https://arxiv.org/abs/2105.03889
// Reference: https://github.com/pengzhiliang/Conformer (Apache-2.0), conformer.py; same keys and
// shapes. Differences: the class token is optional.
#pragma once

#include <utility>

#include "braid/nn/basic/pointwise.h"
#include "braid/nn/block/vit_block.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;  // a multiple of 4
  int64_t stride = 1;
  bool res_conv = false;  // a projection on the shortcut: needed where stride or channels change
};

// ResNet's bottleneck, open at its inner width. Keys: conv1, bn1, conv2, bn2, conv3, bn3,
// (residual_conv, residual_bn).
class ConvBlockImpl : public torch::nn::Module {
 public:
  explicit ConvBlockImpl(const ConvBlockConfig& config);
  // x: [B,C,H,W]; guest: [B,C'/4,H,W] to be added before the 3x3 convolution, or undefined.
  // Returns [B,C',H/stride,W/stride] and the inner features [B,C'/4,H/stride,W/stride].
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& x,
                                                  const torch::Tensor& guest = {});

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr}, residual_conv{nullptr};
  torch::nn::BatchNorm2d bn1{nullptr}, bn2{nullptr}, bn3{nullptr}, residual_bn{nullptr};
};
TORCH_MODULE(ConvBlock);

// Feature coupling unit, map to tokens: one token per stride x stride pixels. Keys: conv_project,
// ln.
class FcuDownImpl : public torch::nn::Module {
 public:
  FcuDownImpl(int64_t chans, int64_t embed_dim, int64_t stride);
  torch::Tensor forward(const torch::Tensor& map);  // [B,C,H,W] -> [B,H*W/stride^2,D]

  torch::nn::Conv2d conv_project{nullptr};
  torch::nn::LayerNorm ln{nullptr};

 private:
  int64_t stride_;
};
TORCH_MODULE(FcuDown);

// Feature coupling unit, a grid of tokens to a map: every token fills stride x stride pixels. Keys:
// conv_project, bn.
class FcuUpImpl : public torch::nn::Module {
 public:
  FcuUpImpl(int64_t embed_dim, int64_t chans, int64_t stride);
  torch::Tensor forward(const torch::Tensor& grid);  // [B,D,h,w] -> [B,C,h*stride,w*stride]

  Pointwise conv_project{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};

 private:
  int64_t stride_;
};
TORCH_MODULE(FcuUp);

struct ConvTransBlockConfig {
  int64_t in_chs = 0;     // of the map
  int64_t out_chs = 0;    // a multiple of 4
  int64_t stride = 1;     // of the map
  int64_t dw_stride = 1;  // pixels of the strided map per token, along one side
  int64_t embed_dim = 0;  // of the tokens
  int64_t num_heads = 8;
  double mlp_ratio = 4.0;
  bool qkv_bias = true;
  int64_t prefix_tokens = 1;  // 1: a class token, which stays out of the map; 0: none
  int64_t num_med_block = 0;  // further bottlenecks before the tokens come back
  bool last_fusion = false;   // halve the map once more at the end
  double proj_drop = 0;
  double attn_drop = 0;
  double drop_path = 0;
};

// A bottleneck whose inner features join the tokens, a Transformer block, and a bottleneck whose
// inner features the tokens join. Keys: cnn_block, fusion_block, (med_block), squeeze_block,
// expand_block, trans_block.
class ConvTransBlockImpl : public torch::nn::Module {
 public:
  explicit ConvTransBlockImpl(const ConvTransBlockConfig& config);
  // map: [B,C,H,W], tokens: [B,prefix+h*w,D] with H = h * stride * dw_stride. Returns
  // [B,C',H/stride,W/stride], halved with last_fusion, and tokens of the same shape.
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& map,
                                                  const torch::Tensor& tokens);

  ConvBlock cnn_block{nullptr}, fusion_block{nullptr};
  torch::nn::ModuleList med_block{nullptr};
  FcuDown squeeze_block{nullptr};
  FcuUp expand_block{nullptr};
  ViTBlock trans_block{nullptr};

 private:
  int64_t prefix_tokens_, dw_stride_;
};
TORCH_MODULE(ConvTransBlock);

}  // namespace braid::nn
