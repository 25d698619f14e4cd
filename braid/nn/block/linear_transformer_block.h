// MobileViTv2's Transformer block, whose cost is linear in the number of tokens, timm's
// LinearTransformerBlock.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/block/pre_norm_block.h"

namespace braid::nn {

struct LinearTransformerBlockConfig {
  int64_t dim = 0;  // channels
  double mlp_ratio = 2.0;
  Act act = Act::kSilu;
  double attn_drop = 0;  // dropout of the context scores
  double proj_drop = 0;  // dropout of projections
  double drop_path = 0;
};

// P independent groups of N tokens: [B,P,N,C] -> [B,P,N,C]. Its norms are over a whole sample
// (group norm with one group). Keys: norm1, attn, norm2, mlp.
class LinearTransformerBlockImpl : public PreNormBlockImpl {
 public:
  explicit LinearTransformerBlockImpl(const LinearTransformerBlockConfig& config);
};
TORCH_MODULE(LinearTransformerBlock);

// A group norm with one group for channels in the last dimension: [B,P,N,C] -> [B,P,N,C].
torch::Tensor sample_norm(torch::nn::GroupNorm& norm, const torch::Tensor& x);

}  // namespace braid::nn
