// Attention in shifted windows (https://arxiv.org/abs/2103.14030), timm's SwinTransformerBlock.
#pragma once
#include "braid/nn/basic/block.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

struct SwinBlockConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 4;
  int64_t side = 0;         // pixels along one side of the map; windows are never larger
  int64_t window_size = 7;  // positions along one side of a window
  int64_t shift_size = 0;   // of the windows against the map, 0 where one window covers the map
  double mlp_ratio = 4.0;
  bool qkv_bias = true;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// Keys: relative_position_bias_table, qkv, proj.
class WindowAttentionImpl : public torch::nn::Module {
 public:
  WindowAttentionImpl(const SwinBlockConfig& config, int64_t window);
  // x: [B*n,N,C], N = window * window; mask: [n,N,N], added to the scores, or undefined.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);

  torch::Tensor relative_position_bias_table;  // [(2w-1)^2,h]
  torch::nn::Linear qkv{nullptr}, proj{nullptr};

 private:
  int64_t window_, num_heads_;
  double attn_drop_, proj_drop_;
};
TORCH_MODULE(WindowAttention);

// Pre-norm Transformer block with attention in windows of a map that is rolled by shift_size first:
// [B,C,H,W] -> [B,C,H,W]. Maps that the window does not divide are padded with zeros for the
// attention. Keys: norm1, attn, norm2, mlp.
class SwinBlockImpl : public BlockImpl {
 public:
  explicit SwinBlockImpl(const SwinBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  torch::Tensor attend(const torch::Tensor& x);  // [B,H,W,C] -> [B,H,W,C]
  int64_t window_, shift_;
  double drop_path_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  WindowAttention attn_{nullptr};
  Mlp mlp_{nullptr};
};
TORCH_MODULE(SwinBlock);

// What keeps positions apart that only the roll made neighbours: [n,N,N], -100 between regions, 0
// inside one; H, W: of the padded map.
torch::Tensor shifted_window_mask(int64_t H, int64_t W, int64_t window, int64_t shift,
                                  const torch::TensorOptions& options);

}  // namespace braid::nn
