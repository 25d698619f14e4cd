// Attention inside windows or grids of a feature map, and MaxViT's block
// (https://arxiv.org/abs/2204.01697); timm's PartitionAttentionCl and MaxxVitBlock.
#pragma once
#include "braid/nn/attention/relative_attention.h"
#include "braid/nn/block/mbconv_block.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

enum class Partition {
  kWindow,  // size x size neighbours attend to each other
  kGrid     // size x size positions spread over the whole map do
};

struct PartitionAttentionConfig {
  int64_t dim = 0;  // channels, a multiple of dim_head
  Partition partition = Partition::kWindow;
  int64_t size = 0;  // positions along one side of a window or grid
  int64_t dim_head = 32;
  double expand_ratio = 4.0;
  QkvOrder qkv_order = QkvOrder::kHeadsFirst;
  RelPosType rel_pos_type = RelPosType::kBias;
  int64_t rel_pos_dim = 512;  // hidden channels of RelPosType::kMlp
  Act act = Act::kGelu;
  double norm_eps = 1e-6;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// Pre-norm Transformer block whose attention stays inside a partition: [B,C,H,W] -> [B,C,H,W]. Maps
// that `size` does not divide are padded with zeros for the attention. Keys: norm1, attn, norm2,
// mlp.
class PartitionAttentionImpl : public BlockImpl {
 public:
  explicit PartitionAttentionImpl(const PartitionAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  torch::Tensor attend(const torch::Tensor& x);  // [B,H,W,C] -> [B,H,W,C]
  PartitionAttentionConfig config_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  RelativeAttention attn_{nullptr};
  Mlp mlp_{nullptr};
};
TORCH_MODULE(PartitionAttention);

struct MaxVitBlockConfig {
  MbConvBlockConfig conv;
  PartitionAttentionConfig attention;  // dim and partition are the block's business
};

// MBConv, attention in windows, attention in grids. Keys: conv, attn_block, attn_grid.
class MaxVitBlockImpl : public BlockImpl {
 public:
  explicit MaxVitBlockImpl(MaxVitBlockConfig config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  MbConvBlock conv_{nullptr};
  PartitionAttention attn_block_{nullptr}, attn_grid_{nullptr};
};
TORCH_MODULE(MaxVitBlock);

}  // namespace braid::nn
