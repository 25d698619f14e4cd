#include "braid/models/vision/cnn/resnetv2.h"

#include <cmath>

#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

torch::nn::GroupNorm group_norm(int64_t chans) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(32, chans));
}

}  // namespace

ResNetV2BottleneckImpl::ResNetV2BottleneckImpl(int64_t in_chans, int64_t out_chans, int64_t stride,
                                               bool first) {
  const int64_t mid = out_chans / 4;
  if (first) {
    downsample_conv = nn::StdConv2dSame(in_chans, out_chans, nn::StdConvOptions{.stride = stride});
    downsample_norm = group_norm(out_chans);
    auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
    downsample->register_module("conv", downsample_conv);
    downsample->register_module("norm", downsample_norm);
  }
  conv1 = register_module("conv1", nn::StdConv2dSame(in_chans, mid, nn::StdConvOptions{}));
  norm1 = register_module("norm1", group_norm(mid));
  conv2 = register_module(
      "conv2", nn::StdConv2dSame(mid, mid, nn::StdConvOptions{.kernel = 3, .stride = stride}));
  norm2 = register_module("norm2", group_norm(mid));
  conv3 = register_module("conv3", nn::StdConv2dSame(mid, out_chans, nn::StdConvOptions{}));
  norm3 = register_module("norm3", group_norm(out_chans));
  torch::nn::init::zeros_(norm3->weight);  // the block begins as its shortcut
}

torch::Tensor ResNetV2BottleneckImpl::forward(const torch::Tensor& x) {
  const auto shortcut = downsample_conv ? downsample_norm->forward(downsample_conv->forward(x)) : x;
  auto y = norm1->forward(conv1->forward(x)).relu_();
  y = norm2->forward(conv2->forward(y)).relu_();
  return norm3->forward(conv3->forward(y)).add_(shortcut).relu_();
}

ResNetV2Impl::ResNetV2Impl(const ResNetV2Config& config)
    : reduction_(2), num_features_(config.stem_chs) {
  stem_conv = nn::StdConv2dSame(config.in_chans, config.stem_chs,
                                nn::StdConvOptions{.kernel = 7, .stride = 2});
  stem_norm = group_norm(config.stem_chs);
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  stem->register_module("conv", stem_conv);
  stem->register_module("norm", stem_norm);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    torch::nn::ModuleList stage_blocks;
    for (int64_t j = 0; j < config.layers[i]; ++j) {
      const int64_t stride = i > 0 && j == 0 ? 2 : 1;
      blocks.emplace_back(num_features_, config.channels[i], stride, /*first=*/j == 0);
      stage_blocks->push_back(blocks.back());
      num_features_ = config.channels[i];
    }
    reduction_ *= 2;  // the first stage: by the pooling before it
    auto stage = std::make_shared<torch::nn::Module>();
    stage->register_module("blocks", stage_blocks);
    stages->push_back(stage);
  }
  register_module("stages", stages);
}

torch::Tensor ResNetV2Impl::forward(const torch::Tensor& x, bool checkpointing) {
  auto y = stem_norm->forward(stem_conv->forward(x)).relu_();
  y = torch::max_pool2d(nn::pad_same(y, 3, 2, -INFINITY), 3, 2);
  for (auto& block : blocks) y = runtime::maybe_checkpoint(checkpointing, block, y);
  return y;
}

}  // namespace braid::models
