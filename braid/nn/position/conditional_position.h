// Conditional positional encoding: x plus a depthwise convolution of it, whose zero padding tells a
// pixel where it stands; timm's PosConv (twins.py) and RepConditionalPosEnc (fastvit.py, both
// Apache-2.0).
//
// Paper: Chu et al., https://arxiv.org/abs/2102.10882
// Differences: feature maps, not tokens.
#pragma once

#include "braid/nn/basic/block.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/reparameterize.h"

namespace braid::nn {

enum class PositionKeys {
  kPosConv,  // proj.0, as in Twins
  kPosEnc    // pos_enc, as in FastViT
};

struct ConditionalPositionEncodingConfig {
  int64_t dim = 0;
  int64_t kernel_size = 3;  // pixels along one side, odd
  PositionKeys keys = PositionKeys::kPosConv;
  ConvInit init = ConvInit::kEfficientNet;
  bool inference_mode = false;  // built as one convolution
};

// [B,C,H,W] -> [B,C,H,W]. Keys: as the config names them, or, once reparameterized, reparam_conv.
class ConditionalPositionEncodingImpl : public BlockImpl, public Reparameterizable {
 public:
  explicit ConditionalPositionEncodingImpl(const ConditionalPositionEncodingConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;

 private:
  torch::nn::Conv2d make_conv() const;
  const char* key() const;
  ConditionalPositionEncodingConfig config_;
  torch::nn::Conv2d conv_{nullptr}, reparam_conv_{nullptr};
};
TORCH_MODULE(ConditionalPositionEncoding);

}  // namespace braid::nn
