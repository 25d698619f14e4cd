// Attention with a bias per relative position, timm's Attention2d and AttentionCl.
#pragma once

#include "braid/nn/basic/pointwise.h"
#include "braid/nn/position/relative_position.h"
#include "braid/torch.h"

namespace braid::nn {

// The order of the joint projection's channels.
enum class QkvOrder {
  kHeadsFirst,  // [heads,3,dim_head]
  kPartsFirst   // [3,heads,dim_head]
};

struct RelativeAttentionConfig {
  int64_t dim = 0;      // channels in, a multiple of dim_head
  int64_t dim_out = 0;  // channels out
  int64_t dim_head = 32;
  int64_t side = 0;  // positions along one side of the square window
  RelPosType rel_pos_type = RelPosType::kBias;
  int64_t rel_pos_dim = 512;  // hidden channels of RelPosType::kMlp
  QkvOrder qkv_order = QkvOrder::kHeadsFirst;
  WeightLayout layout = WeightLayout::kLinear;
  double attn_drop = 0;  // dropout of the attention weights
  double proj_drop = 0;  // dropout of the output
};

// softmax(Q K^T / sqrt(d) + bias) V per head, then a projection. Keys: qkv, rel_pos, proj.
class RelativeAttentionImpl : public torch::nn::Module {
 public:
  explicit RelativeAttentionImpl(const RelativeAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,N,C] -> [B,N,C'], N = side * side

 private:
  RelativeAttentionConfig config_;
  Pointwise qkv_{nullptr}, proj_{nullptr};
  RelPos rel_pos_{nullptr};
};
TORCH_MODULE(RelativeAttention);

}  // namespace braid::nn
