// ConvNeXt's block: a large depthwise convolution, then a feed-forward part per pixel.
//
// Paper: Liu et al., https://arxiv.org/abs/2201.03545
// Reference: timm's convnext.py (Apache-2.0; after facebookresearch/ConvNeXt, MIT); same keys and
// shapes.
#pragma once

#include <optional>

#include "braid/nn/basic/block.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvNeXtBlockConfig {
  int64_t in_chs = 0;       // and out
  int64_t kernel_size = 7;  // of the depthwise convolution
  double mlp_ratio = 4;     // hidden channels of the feed-forward part per channel
  bool conv_mlp = false;    // its weights are stored as 1x1 convolutions; the same computation
  ConvInit conv_init = ConvInit::kTruncNormal;  // of the depthwise convolution
  std::optional<double> ls_init_value = 1e-6;   // of the layer scale; unset: none
  double drop_path = 0;
};

// x + scale * mlp(norm(depthwise(x))), [B,C,H,W] -> [B,C,H,W]. Keys: (gamma), conv_dw, norm,
// mlp.fc1, mlp.fc2.
class ConvNeXtBlockImpl : public BlockImpl {
 public:
  explicit ConvNeXtBlockImpl(const ConvNeXtBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  double drop_path_;
  torch::Tensor gamma_;
  torch::nn::Conv2d conv_dw_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  Mlp mlp_{nullptr};
};
TORCH_MODULE(ConvNeXtBlock);

}  // namespace braid::nn
