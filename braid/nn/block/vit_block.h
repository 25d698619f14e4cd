// The pre-norm Transformer block of ViT, timm's Block.
#pragma once

#include "braid/nn/attention/attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/mlp/mlp.h"
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

// Attention, then the feed-forward part, each a residual branch behind a layer norm. Keys: norm1,
// attn, (ls1), norm2, mlp, (ls2).
class ViTBlockImpl : public BlockImpl {
 public:
  explicit ViTBlockImpl(const ViTBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,N,D] -> [B,N,D]

  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  Attention attn{nullptr};
  LayerScale ls1{nullptr}, ls2{nullptr};
  Mlp mlp{nullptr};

 private:
  double drop_path_;
};
TORCH_MODULE(ViTBlock);

}  // namespace braid::nn
