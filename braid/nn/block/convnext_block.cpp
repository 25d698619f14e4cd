#include "braid/nn/block/convnext_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ConvNeXtBlockImpl::ConvNeXtBlockImpl(const ConvNeXtBlockConfig& config)
    : drop_path_(config.drop_path_rate) {
  const int64_t C = config.chans;
  const auto hidden = static_cast<int64_t>(static_cast<double>(C) * config.mlp_ratio);
  if (config.ls_init_value)
    gamma_ = register_parameter("gamma", torch::full({C}, *config.ls_init_value));
  conv_dw_ = register_module(
      "conv_dw",
      conv2d(C, C, {.kernel = config.kernel_size, .groups = C, .bias = config.conv_bias}));
  init_conv_trunc_normal_(conv_dw_);
  norm_ = register_module("norm", layer_norm(C));
  if (config.conv_mlp) {
    conv_mlp_ = register_module(
        "mlp",
        ConvMlp(ConvMlpConfig{.in_features = C, .hidden_features = hidden, .act = Act::kGelu}));
    init_conv_trunc_normal_(conv_mlp_->fc1);
    init_conv_trunc_normal_(conv_mlp_->fc2);
  } else {
    mlp_ = register_module("mlp", Mlp(MlpConfig{.in_features = C, .hidden_features = hidden}));
  }
}

torch::Tensor ConvNeXtBlockImpl::forward(const torch::Tensor& x) {
  auto y = norm_->forward(to_nhwc(conv_dw_->forward(x)));  // [B,H,W,C]
  y = mlp_ ? mlp_->forward(y) : conv_mlp_->forward(y);
  if (gamma_.defined()) y = y * gamma_;
  return x + drop_path(to_nchw(y), drop_path_, is_training());
}

}  // namespace braid::nn
