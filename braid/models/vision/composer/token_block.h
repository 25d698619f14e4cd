// A Transformer block whose attention, positions and feed-forward part are chosen freely, from the
// parts that the named models are made of.
#pragma once

#include "braid/nn/attention/attention.h"
#include "braid/nn/attention/reduced_key_attention.h"
#include "braid/nn/attention/relative_attention.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/mlp/conv_ffn.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/nn/position/conditional_position.h"
#include "braid/nn/position/rotary.h"
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
  int64_t sr_ratio = 0;  // pixels along one side that become one key, 0: plain attention
  int64_t side = 0;      // pixels along one side
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// Pre-norm. Keys: (pos_embed or pos), norm1, attn, norm2, mlp.
class TokenBlockImpl : public nn::BlockImpl {
 public:
  explicit TokenBlockImpl(const TokenBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,D,H,W] -> [B,D,H,W]

 private:
  void make_attention();
  void make_feed_forward();
  torch::Tensor attend(const torch::Tensor& x);        // [B,H,W,D] -> [B,H,W,D]
  torch::Tensor feed_forward(const torch::Tensor& x);  // [B,H,W,D] -> [B,H,W,D]

  TokenBlockConfig config_;
  torch::Tensor pos_embed_;
  nn::ConditionalPosition conv_position_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  // One of each three is there.
  nn::Attention attention_{nullptr};
  nn::RelativeAttention relative_{nullptr};
  nn::RotaryAttention rotary_{nullptr};
  nn::PooledKeyAttention pooled_{nullptr};
  nn::Mlp mlp_{nullptr};
  nn::ConvFfn conv_ffn_{nullptr};
};
TORCH_MODULE(TokenBlock);

}  // namespace braid::models
