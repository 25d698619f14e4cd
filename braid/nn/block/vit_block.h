// The Transformer block of ViT, timm's Block.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/torch.h"

namespace braid::nn {

struct ViTBlockConfig {
  int64_t dim = 0;
  int64_t num_heads = 8;
  double mlp_ratio = 4.0;  // hidden channels of the feed-forward part per channel
  bool qkv_bias = true;
  Act act = Act::kGelu;
  double init_values = 0;  // where the layer scales start, 0: no layer scales
  double norm_eps = 1e-6;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// [B,N,D] -> [B,N,D]. Keys: norm1, attn, norm2, mlp, (ls1, ls2).
class ViTBlockImpl : public PreNormBlockImpl {
 public:
  explicit ViTBlockImpl(const ViTBlockConfig& config);
};
TORCH_MODULE(ViTBlock);

}  // namespace braid::nn
