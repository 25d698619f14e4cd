#include "braid/models/vision/hybrid/maxxvit_stem.h"

#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {

ConvStemImpl::ConvStemImpl(const ConvStemConfig& config) : config_(config) {
  nn::ConvOptions options{.kernel_size = 3, .stride = config.stride, .bias = config.bias};
  if (config.stride == 2 && config.padding == nn::Padding::kSame)
    options.padding = 0;  // forward pads
  conv1_ = register_module("conv1", nn::conv2d(config.in_chs, config.out_chs[0], options));
  norm1_ = register_module("norm1", nn::batch_norm(config.out_chs[0], config.norm_eps));
  conv2_ = register_module("conv2", nn::conv2d(config.out_chs[0], config.out_chs[1],
                                               {.kernel_size = 3, .bias = config.bias}));
}

torch::Tensor ConvStemImpl::forward(const torch::Tensor& x) {
  const bool pads = config_.stride == 2 && config_.padding == nn::Padding::kSame;
  const auto y = conv1_->forward(pads ? nn::pad_same(x, 3, 2) : x);
  return conv2_->forward(nn::activate(norm1_->forward(y), config_.act));
}

}  // namespace braid::models
