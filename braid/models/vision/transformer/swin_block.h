// Swin's block: attention in windows, every other time of a map that is shifted against them
// (https://arxiv.org/abs/2103.14030), timm's SwinTransformerBlock.
#pragma once

#include "braid/nn/attention/partition_attention.h"
#include "braid/nn/block/pre_norm_block.h"

namespace braid::models {

constexpr double kSwinNormEps = 1e-5;

struct SwinBlockConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 4;
  int64_t feat_size = 0;    // pixels along one side of the map; windows are never larger
  int64_t window_size = 7;  // positions along one side of a window
  int64_t shift_size = 0;   // of the windows against the map, 0 where one window covers the map
  double mlp_ratio = 4.0;
  bool qkv_bias = true;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// Attention in windows of a map that is rolled by `shift` first. Keys:
// relative_position_bias_table, qkv, proj.
class ShiftedWindowAttentionImpl : public nn::PartitionAttentionImpl {
 public:
  ShiftedWindowAttentionImpl(const nn::SelfAttentionConfig& config, int64_t window, int64_t shift);
  torch::Tensor forward(const torch::Tensor& x);  // [B,H,W,C] -> [B,H,W,C]

 private:
  int64_t window_, shift_;
};
TORCH_MODULE(ShiftedWindowAttention);

// [B,C,H,W] -> [B,C,H,W]. Keys: norm1, attn, norm2, mlp.
class SwinBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit SwinBlockImpl(const SwinBlockConfig& config);
};
TORCH_MODULE(SwinBlock);

// What keeps positions apart that only the roll made neighbours: [n,N,N], -100 between regions, 0
// inside one; H, W: multiples of `window`.
torch::Tensor shifted_window_mask(int64_t H, int64_t W, int64_t window, int64_t shift,
                                  const torch::TensorOptions& options);

}  // namespace braid::models
