#include "braid/models/vision/hybrid/mobilevit_bottleneck.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/make_divisible.h"

namespace braid::models {

BottleneckBlockImpl::BottleneckBlockImpl(const BottleneckBlockConfig& config)
    : identity_(config.in_chs == config.out_chs && config.stride == 1),
      drop_path_(config.drop_path) {
  const int64_t mid = nn::make_divisible(static_cast<double>(config.in_chs) * config.bottle_ratio);
  nn::ConvNormActConfig conv{.in_chs = config.in_chs, .out_chs = mid, .act = config.act};
  conv1_1x1_ = register_module("conv1_1x1", nn::ConvNormAct(conv));
  conv.in_chs = conv.groups = mid;
  conv.kernel_size = 3;
  conv.stride = config.stride;
  conv2_kxk_ = register_module("conv2_kxk", nn::ConvNormAct(conv));
  conv3_1x1_ = register_module(
      "conv3_1x1",
      nn::ConvNormAct(nn::ConvNormActConfig{
          .in_chs = mid, .out_chs = config.out_chs, .norm_weight = identity_ ? 0.0 : 1.0}));
}

torch::Tensor BottleneckBlockImpl::forward(const torch::Tensor& x) {
  auto y = conv3_1x1_->forward(conv2_kxk_->forward(conv1_1x1_->forward(x)));
  y = nn::drop_path(y, drop_path_, is_training());
  return identity_ ? y + x : y;
}

}  // namespace braid::models
