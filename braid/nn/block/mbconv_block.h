// The inverted bottleneck with pre-normalization of CoAtNet and MaxViT, timm's MbConvBlock.
#pragma once
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/conv/downsample.h"
#include "braid/nn/conv/squeeze_excite.h"

namespace braid::nn {

enum class StrideMode {
  kPool,
  kDepthwise
};  // what halves the map: 2x2 means or the kxk convolution

struct MbConvBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t stride = 1;  // 1 or 2
  StrideMode stride_mode = StrideMode::kDepthwise;
  Padding padding = Padding::kSymmetric;
  int64_t kernel_size = 3;
  double expand_ratio = 4.0;
  bool expand_output = true;  // hidden channels are counted from out_chs rather than in_chs
  bool output_bias = true;    // bias of the shortcut and of the last convolution
  bool pre_norm_act = false;  // activation after the first norm
  bool attn_early = false;    // squeeze-and-excitation before the last norm
  double attn_ratio = 0.25;   // its channels per channel counted as expand_output says, or per
                              // hidden channel; 0: no squeeze-and-excitation
  Act attn_act = Act::kSilu;  // inside squeeze-and-excitation
  Act act = Act::kGelu;
  double norm_eps = 1e-5;
  double drop_path = 0;
};

// norm - 1x1 - depthwise kxk - squeeze-and-excitation - 1x1, added to the shortcut. Keys:
// (shortcut.expand), pre_norm, conv1_1x1, norm1, conv2_kxk, (se_early), norm2, (se), conv3_1x1.
class MbConvBlockImpl : public BlockImpl {
 public:
  explicit MbConvBlockImpl(const MbConvBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  bool strides_by(StrideMode mode) const {
    return config_.stride == 2 && config_.stride_mode == mode;
  }
  MbConvBlockConfig config_;
  Downsample2d shortcut_{nullptr};
  torch::nn::BatchNorm2d pre_norm_{nullptr}, norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  SqueezeExcite se_{nullptr};
};
TORCH_MODULE(MbConvBlock);

}  // namespace braid::nn
