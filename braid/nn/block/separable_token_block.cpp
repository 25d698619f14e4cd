#include "braid/nn/block/separable_token_block.h"

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/token_conv.h"

namespace braid::nn {

using torch::Tensor;

SeparableTokenBlockImpl::SeparableTokenBlockImpl(const SeparableTokenBlockConfig& config)
    : config_(config) {
  const int64_t D = config.dim;
  norm_ = register_module("norm", layer_norm(D, config.norm_eps));
  depthwise_ = register_module(
      "depthwise",
      torch::nn::Conv1d(torch::nn::Conv1dOptions(D, D, config.kernel_size).groups(D).bias(false)));
  pointwise_ = register_module("pointwise", torch::nn::Linear(D, D));
  init_linear_(pointwise_, config.init_std);
}

Tensor SeparableTokenBlockImpl::forward(const Tensor& x, const Tensor& mask) {
  const auto kernels = depthwise_->weight.squeeze(1);  // [D,K]
  auto y = token_convolution(zero_padding(norm_->forward(x), mask), kernels, kernels.size(1) / 2);
  y = nn::dropout(pointwise_->forward(activate(y, Act::kGelu)), config_.drop, is_training());
  return x + drop_path(y, config_.drop_path, is_training());
}

}  // namespace braid::nn
