#include "braid/nn/block/resnet_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ResNetBlockImpl::ResNetBlockImpl(const ResNetBlockConfig& config) : config_(config) {
  const int64_t in = config.in_chans, width = config.width, out = config.out_chans();
  const int64_t stride = config.stride;
  if (config.bottleneck) {
    conv1 = register_module("conv1", conv2d(in, width));
    bn1 = register_module("bn1", batch_norm(width));
    conv2 = register_module("conv2", conv2d(width, width, {.kernel = 3, .stride = stride}));
    bn2 = register_module("bn2", batch_norm(width));
    conv3 = register_module("conv3", conv2d(width, out));
    bn3 = register_module("bn3", batch_norm(out));
  } else {
    conv1 = register_module("conv1", conv2d(in, width, {.kernel = 3, .stride = stride}));
    bn1 = register_module("bn1", batch_norm(width));
    conv2 = register_module("conv2", conv2d(width, width, {.kernel = 3}));
    bn2 = register_module("bn2", batch_norm(width));
  }
  torch::nn::init::zeros_((bn3 ? bn3 : bn2)->weight);
  if (config.shortcut == ResNetShortcut::kProjection && (stride != 1 || in != out))
    downsample = register_module(
        "downsample",
        torch::nn::Sequential(conv2d(in, out, {.kernel = 1, .stride = stride}), batch_norm(out)));
}

torch::Tensor ResNetBlockImpl::shortcut(const torch::Tensor& x) {
  if (downsample) return downsample->forward(x);
  const int64_t missing = config_.out_chans() - config_.in_chans, stride = config_.stride;
  if (stride == 1 && missing == 0) return x;
  const auto kept = x.slice(2, 0, x.size(2), stride).slice(3, 0, x.size(3), stride);
  return torch::constant_pad_nd(kept, {0, 0, 0, 0, missing / 2, missing - missing / 2}, 0);
}

torch::Tensor ResNetBlockImpl::forward(const torch::Tensor& x) {
  auto y = bn1->forward(conv1->forward(x)).relu_();
  y = bn2->forward(conv2->forward(y));
  if (conv3) y = bn3->forward(conv3->forward(y.relu_()));
  y = drop_path(y, config_.drop_path_rate, is_training());
  return y.add_(shortcut(x)).relu_();
}

}  // namespace braid::nn
