// Convolution, batch norm, activation; timm's ConvNormAct and the many classes like it.
#pragma once

#include <optional>

#include "braid/nn/basic/activation.h"
#include "braid/nn/conv/foldable_conv.h"

namespace braid::nn {

struct ConvNormActConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel_size = 1;  // pixels along one side
  int64_t stride = 1;
  int64_t groups = 1;
  bool bias = false;                    // of the convolution
  std::optional<int64_t> padding = {};  // as in ConvOptions
  ConvInit init = ConvInit::kEfficientNet;
  Act act = Act::kIdentity;
  double norm_eps = 1e-5;
  double norm_weight = 1;  // where the norm's gain starts
  bool foldable = false;  // reparameterize() makes it one convolution, which asks for no activation
  bool inference_mode = false;  // built as that convolution
  const char* conv_key = "conv";
  const char* norm_key = "bn";
};

// [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys: as the config names them; of the one convolution:
// weight, bias.
class ConvNormActImpl : public FoldableConvImpl {
 public:
  explicit ConvNormActImpl(const ConvNormActConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;
  FoldedConv folded() const;  // convolution and norm as one; only before reparameterize()
  torch::Tensor conv_weight() const { return conv_->weight; }  // likewise

 private:
  ConvNormActConfig config_;
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};
TORCH_MODULE(ConvNormAct);

}  // namespace braid::nn
