#include "braid/models/vision/cnn/resnetv2.h"

#include <limits>

namespace braid::models {
namespace {

torch::nn::GroupNorm group_norm(int64_t chans) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(32, chans));
}

}  // namespace

ResNetV2BottleneckImpl::ResNetV2BottleneckImpl(int64_t in_chs, int64_t out_chs, int64_t stride,
                                               bool first) {
  const int64_t mid = out_chs / 4;
  if (first) {
    downsample_conv_ = StdConv2dSame(in_chs, out_chs, StdConvOptions{.stride = stride});
    downsample_norm_ = group_norm(out_chs);
    auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
    downsample->register_module("conv", downsample_conv_);
    downsample->register_module("norm", downsample_norm_);
  }
  conv1_ = register_module("conv1", StdConv2dSame(in_chs, mid, StdConvOptions{}));
  norm1_ = register_module("norm1", group_norm(mid));
  conv2_ = register_module(
      "conv2", StdConv2dSame(mid, mid, StdConvOptions{.kernel_size = 3, .stride = stride}));
  norm2_ = register_module("norm2", group_norm(mid));
  conv3_ = register_module("conv3", StdConv2dSame(mid, out_chs, StdConvOptions{}));
  norm3_ = register_module("norm3", group_norm(out_chs));
  torch::nn::init::zeros_(norm3_->weight);  // the block begins as its shortcut
}

torch::Tensor ResNetV2BottleneckImpl::forward(const torch::Tensor& x) {
  const auto shortcut =
      downsample_conv_ ? downsample_norm_->forward(downsample_conv_->forward(x)) : x;
  auto y = norm1_->forward(conv1_->forward(x)).relu_();
  y = norm2_->forward(conv2_->forward(y)).relu_();
  return norm3_->forward(conv3_->forward(y)).add_(shortcut).relu_();
}

ResNetV2Impl::ResNetV2Impl(const ResNetV2Config& config)
    : reduction_(2), num_features_(config.stem_chs) {
  stem_conv_ =
      StdConv2dSame(config.in_chs, config.stem_chs, StdConvOptions{.kernel_size = 7, .stride = 2});
  stem_norm_ = group_norm(config.stem_chs);
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  stem->register_module("conv", stem_conv_);
  stem->register_module("norm", stem_norm_);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    nn::BlockList blocks;
    for (int64_t j = 0; j < config.layers[i]; ++j) {
      const int64_t stride = i > 0 && j == 0 ? 2 : 1;
      blocks->push_back(
          ResNetV2Bottleneck(num_features_, config.channels[i], stride, /*first=*/j == 0));
      num_features_ = config.channels[i];
    }
    reduction_ *= 2;  // the first stage: by the pooling before it
    auto stage = std::make_shared<torch::nn::Module>();
    stages_.push_back(stage->register_module("blocks", blocks));
    stages->push_back(stage);
  }
  register_module("stages", stages);
}

torch::Tensor ResNetV2Impl::forward(const torch::Tensor& x, bool checkpointing) {
  auto y = stem_norm_->forward(stem_conv_->forward(x)).relu_();
  constexpr double kNever = -std::numeric_limits<double>::infinity();  // the largest
  y = torch::max_pool2d(nn::pad_same(y, 3, 2, kNever), 3, 2);
  for (auto& stage : stages_) y = stage->forward(y, checkpointing);
  return y;
}

}  // namespace braid::models
