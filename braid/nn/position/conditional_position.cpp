#include "braid/nn/position/conditional_position.h"

namespace braid::nn {

ConditionalPositionEncodingImpl::ConditionalPositionEncodingImpl(
    const ConditionalPositionEncodingConfig& config)
    : config_(config) {
  if (config.inference_mode) {
    reparam_conv_ = register_module("reparam_conv", make_conv());
    return;
  }
  conv_ = make_conv();
  if (config.keys == PositionKeys::kPosConv)
    register_module(key(), std::make_shared<torch::nn::Module>())->register_module("0", conv_);
  else
    register_module(key(), conv_);
}

const char* ConditionalPositionEncodingImpl::key() const {
  return config_.keys == PositionKeys::kPosConv ? "proj" : "pos_enc";
}

torch::nn::Conv2d ConditionalPositionEncodingImpl::make_conv() const {
  return conv2d(config_.dim, config_.dim,
                {.kernel_size = config_.kernel_size,
                 .groups = config_.dim,
                 .bias = true,
                 .init = config_.init});
}

torch::Tensor ConditionalPositionEncodingImpl::forward(const torch::Tensor& x) {
  return reparam_conv_ ? reparam_conv_->forward(x) : convolve(conv_, x) + x;
}

void ConditionalPositionEncodingImpl::reparameterize() {
  if (reparam_conv_) return;
  auto conv = make_conv();
  const auto& weight = conv_->weight;
  const auto identity =
      identity_kernel(config_.dim, config_.dim, config_.kernel_size, weight.device());
  assign_folded(conv, {identity + weight, conv_->bias}, weight);
  unregister_module(key());
  conv_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

}  // namespace braid::nn
