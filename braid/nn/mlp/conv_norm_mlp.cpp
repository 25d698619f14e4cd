#include "braid/nn/mlp/conv_norm_mlp.h"

#include "braid/nn/basic/dropout.h"

namespace braid::nn {

ConvNormMlpImpl::ConvNormMlpImpl(const ConvNormMlpConfig& config) : drop_(config.drop) {
  ConvNormActConfig conv{.in_chs = config.dim,
                         .out_chs = config.hidden,
                         .bias = config.bias,
                         .init = ConvInit::kTorch,
                         .act = config.act,
                         .foldable = config.foldable,
                         .inference_mode = config.inference_mode,
                         .conv_key = config.conv_key};
  fc1_ = register_module(config.fc1_key, ConvNormAct(conv));
  conv.in_chs = config.hidden;
  if (config.depthwise) {
    auto mid = conv;
    mid.kernel_size = 3;
    mid.groups = config.hidden;
    mid_ = register_module("mid", ConvNormAct(mid));
  }
  conv.out_chs = config.dim;
  conv.act = Act::kIdentity;
  conv.norm_weight = config.norm_weight;
  fc2_ = register_module(config.fc2_key, ConvNormAct(conv));
}

torch::Tensor ConvNormMlpImpl::forward(const torch::Tensor& x) {
  auto y = fc1_->forward(x);
  if (mid_) y = mid_->forward(y);
  y = fc2_->forward(nn::dropout(y, drop_, is_training()));
  return nn::dropout(y, drop_, is_training());
}

}  // namespace braid::nn
