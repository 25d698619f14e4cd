// CoAtNet's Transformer block on a feature map, timm's TransformerBlock2d.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/position/position_bias.h"

namespace braid::nn {

struct TransformerBlock2dConfig {
  int64_t dim = 0;        // channels in, a multiple of dim_head
  int64_t dim_out = 0;    // channels out
  int64_t stride = 1;     // 1 or 2
  int64_t feat_size = 0;  // pixels along one side of the output, which attention sees as a whole
  int64_t dim_head = 32;
  double expand_ratio = 4.0;
  bool shortcut_bias = true;
  PositionBiasType rel_pos_type = PositionBiasType::kRelative;
  int64_t rel_pos_dim = 512;  // hidden channels of kRelativeMlp
  Act act = Act::kGelu;
  double norm_eps = 1e-6;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// [B,C,H,W] -> [B,C',H/stride,W/stride]: attention over all positions, then the feed-forward part;
// a strided block pools before its projections. Keys: (shortcut.expand), norm1 (norm1.norm when
// strided), attn, norm2, mlp, weights as 1x1 convolutions.
class TransformerBlock2dImpl : public PreNormBlockImpl {
 public:
  explicit TransformerBlock2dImpl(const TransformerBlock2dConfig& config);
};
TORCH_MODULE(TransformerBlock2d);

}  // namespace braid::nn
