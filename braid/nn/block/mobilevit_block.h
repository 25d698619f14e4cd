// The blocks of MobileViT: convolutions for the neighbourhood, Transformer layers over the pixels
// that lie at the same place in their patch.
//
// Papers: Mehta & Rastegari, https://arxiv.org/abs/2110.02178 and https://arxiv.org/abs/2206.02680
// Reference: timm's MobileVitBlock and MobileVitV2Block (mobilevit.py, Apache-2.0, adapted from
// https://github.com/apple/ml-cvnets, Apple's sample code licence); same keys and shapes.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/block/linear_transformer_block.h"
#include "braid/nn/block/vit_block.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/torch.h"

namespace braid::nn {

struct MobileViTBlockConfig {
  int64_t in_chs = 0;  // and out
  int64_t kernel_size = 3;
  int64_t transformer_dim = 0;    // channels of a token, a multiple of num_heads
  int64_t transformer_depth = 2;  // layers
  int64_t num_heads = 4;
  double mlp_ratio = 2.0;
  int64_t patch_size = 2;  // pixels along one side
  Act act = Act::kSilu;
  double attn_drop = 0;  // dropout of attention weights
  double proj_drop = 0;  // dropout of projections
  double drop_path = 0;  // of every layer
};

// Softmax attention, then a convolution over input and result. Maps that the patch does not divide
// are enlarged for the attention and shrunk after it, bilinearly. Keys: conv_kxk, conv_1x1,
// transformer.I, norm, conv_proj, conv_fusion.
class MobileViTBlockImpl : public BlockImpl {
 public:
  explicit MobileViTBlockImpl(const MobileViTBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,C,H,W]

 private:
  int64_t patch_size_;
  ConvNormAct conv_kxk_{nullptr}, conv_proj_{nullptr}, conv_fusion_{nullptr};
  torch::nn::Conv2d conv_1x1_{nullptr};
  BlockList transformer_;  // of ViTBlock
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(MobileViTBlock);

struct MobileViTV2BlockConfig {
  int64_t in_chs = 0;  // and out
  int64_t kernel_size = 3;
  int64_t transformer_dim = 0;    // channels of a token
  int64_t transformer_depth = 2;  // layers
  double mlp_ratio = 2.0;
  int64_t patch_size = 2;  // pixels along one side
  Act act = Act::kSilu;
  double attn_drop = 0;  // dropout of context scores
  double proj_drop = 0;  // dropout of projections
  double drop_path = 0;  // of every layer
};

// Linear attention without shortcut and fusion. Maps that the patch does not divide are enlarged to
// multiples of it, bilinearly, and stay so: [B,C,H,W] -> [B,C,H',W']. Keys: conv_kxk, conv_1x1,
// transformer.I, norm, conv_proj.
class MobileViTV2BlockImpl : public BlockImpl {
 public:
  explicit MobileViTV2BlockImpl(const MobileViTV2BlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  int64_t patch_size_;
  ConvNormAct conv_kxk_{nullptr}, conv_proj_{nullptr};
  torch::nn::Conv2d conv_1x1_{nullptr};
  BlockList transformer_;  // of LinearTransformerBlock
  torch::nn::GroupNorm norm_{nullptr};
};
TORCH_MODULE(MobileViTV2Block);

// Groups the pixels by their place in their patch: [B,C,H,W] -> [B,P,N,C] with P = patch * patch
// places and N patches, both row by row. The patch must divide H and W.
torch::Tensor unfold_patches(const torch::Tensor& x, int64_t patch);
// The way back, for a map of height x width pixels.
torch::Tensor fold_patches(const torch::Tensor& x, int64_t patch, int64_t height, int64_t width);

}  // namespace braid::nn
