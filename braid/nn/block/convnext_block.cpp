#include "braid/nn/block/convnext_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"

namespace braid::nn {

ConvNeXtBlockImpl::ConvNeXtBlockImpl(const ConvNeXtBlockConfig& config)
    : drop_path_(config.drop_path) {
  const int64_t C = config.in_chs;
  if (config.ls_init_value)
    gamma_ = register_parameter("gamma", torch::full({C}, *config.ls_init_value));
  conv_dw_ = register_module("conv_dw", conv2d(C, C,
                                               {.kernel_size = config.kernel_size,
                                                .groups = C,
                                                .bias = true,
                                                .init = config.conv_init}));
  norm_ = register_module("norm", layer_norm(C));
  MlpConfig mlp{.in_features = C,
                .hidden_features = static_cast<int64_t>(static_cast<double>(C) * config.mlp_ratio)};
  if (config.conv_mlp) {
    mlp.layout = WeightLayout::kConv1x1;
    mlp.init = MlpInit::kEfficientNet;
  }
  mlp_ = register_module("mlp", Mlp(mlp));
  if (config.conv_mlp) init_layers_(*mlp_, trunc_normal_);
}

torch::Tensor ConvNeXtBlockImpl::forward(const torch::Tensor& x) {
  auto y = mlp_->forward(norm_for_product(norm_, to_nhwc(convolve(conv_dw_, x))));  // [B,H,W,C]
  if (gamma_.defined()) y = y * gamma_;
  return x + drop_path(to_nchw(y), drop_path_, is_training());
}

}  // namespace braid::nn
