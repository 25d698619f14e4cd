// MobileNetV4's attention block: multi-query attention over feature maps.
//
// Papers: Qin et al., https://arxiv.org/abs/2404.10518; multi-query attention: Shazeer,
// https://arxiv.org/abs/1911.02150
// Reference: timm's MobileAttention and MultiQueryAttention2d (Apache-2.0); same keys and shapes.
#pragma once
#include <optional>

#include "braid/nn/attention/core.h"
#include "braid/nn/block/efficientnet_blocks.h"

namespace braid::models {

struct MultiQueryAttentionConfig {
  int64_t dim = 0;      // channels in
  int64_t dim_out = 0;  // channels out
  int64_t num_heads = 8;
  int64_t key_dim = 64;        // channels of a query, key and value
  int64_t kv_stride = 1;       // above 1: keys and values come from a map that is smaller by it
  int64_t dw_kernel_size = 3;  // of the depthwise convolution that makes it smaller
  double attn_drop = 0;
  double proj_drop = 0;
};

// Attention between all positions, with one key and one value for all heads. Keys: query.proj,
// key.proj, value.proj, output.proj, with kv_stride key.down_conv, key.norm and the value's.
class MultiQueryAttention2dImpl : public torch::nn::Module {
 public:
  explicit MultiQueryAttention2dImpl(const MultiQueryAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,C',H,W]

 private:
  // The layers that make keys or values of the map.
  struct Projection {
    torch::nn::Conv2d down_conv{nullptr};
    torch::nn::BatchNorm2d norm{nullptr};
    nn::Pointwise proj{nullptr};
  };
  Projection make_projection(const char* key);
  torch::Tensor project(Projection& part, const torch::Tensor& x);
  MultiQueryAttentionConfig config_;
  nn::Pointwise query_{nullptr}, output_{nullptr};
  Projection key_, value_;
};
TORCH_MODULE(MultiQueryAttention2d);

struct MobileAttentionConfig {
  MultiQueryAttentionConfig attn{};
  std::optional<double> layer_scale_init_value{};  // unset: none
  double drop_path = 0;
};

// scale * attn(norm(x)), with x added where the channels are kept. Keys: norm, attn,
// (layer_scale.gamma).
class MobileAttentionImpl : public nn::BlockImpl {
 public:
  explicit MobileAttentionImpl(const MobileAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  bool skip_;
  double drop_path_;
  torch::nn::BatchNorm2d norm_{nullptr};
  MultiQueryAttention2d attn_{nullptr};
  nn::LayerScale2d layer_scale_{nullptr};
};
TORCH_MODULE(MobileAttention);

}  // namespace braid::models
