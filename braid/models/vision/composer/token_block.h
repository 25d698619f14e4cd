// A Transformer block whose attention, positions and feed-forward part are chosen freely, from the
// parts that the named models are made of.
#pragma once

#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/position/conditional_position.h"
#include "braid/torch.h"

namespace braid::models {

enum class Position {
  kNone,
  kAbsolute,     // a learned vector per pixel, as in ViT
  kRelative,     // a learned number per head and offset, as in CoAtNet
  kRotary,       // queries and keys turned by their row and column
  kConvolution,  // a depthwise convolution, as in CPVT
};
enum class FeedForward {
  kMlp,          // two linear layers
  kConvolution,  // a depthwise convolution between them, as in PVT v2
  kLeff,         // the same with norms, as in CeiT
};

struct TokenBlockConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 1;
  double mlp_ratio = 4.0;  // hidden channels of the feed-forward part per channel
  Position position = Position::kNone;
  FeedForward feed_forward = FeedForward::kMlp;
  int64_t sr_ratio = 0;   // pixels along one side that become one key, 0: plain attention
  int64_t feat_size = 0;  // pixels along one side
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// [B,D,H,W] -> [B,D,H,W]. Keys: (pos_embed or pos), norm1, attn, norm2, mlp.
class TokenBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit TokenBlockImpl(const TokenBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  int64_t feat_size_;
  torch::Tensor pos_embed_;  // [1,H*W,D]
  nn::ConditionalPositionEncoding conv_position_{nullptr};
};
TORCH_MODULE(TokenBlock);

}  // namespace braid::models
