// MaxViT's Transformer block, whose attention stays inside windows or grids of a feature map,
// timm's PartitionAttentionCl.
#pragma once

#include "braid/nn/attention/partition_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/block/pre_norm_block.h"

namespace braid::nn {

struct PartitionBlockConfig {
  int64_t dim = 0;  // channels, a multiple of dim_head
  Partition partition = Partition::kWindow;
  int64_t size = 0;  // positions along one side of a window or grid
  int64_t dim_head = 32;
  double expand_ratio = 4.0;
  QkvOrder qkv_order = QkvOrder::kHeadsFirst;
  PositionBiasType rel_pos_type = PositionBiasType::kRelative;
  int64_t rel_pos_dim = 512;  // hidden channels of kRelativeMlp
  Act act = Act::kGelu;
  double norm_eps = 1e-6;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// [B,C,H,W] -> [B,C,H,W]. Keys: norm1, attn, norm2, mlp.
class PartitionBlockImpl : public PreNormBlockImpl {
 public:
  explicit PartitionBlockImpl(const PartitionBlockConfig& config);
};
TORCH_MODULE(PartitionBlock);

}  // namespace braid::nn
