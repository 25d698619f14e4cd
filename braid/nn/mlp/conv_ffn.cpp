#include "braid/nn/mlp/conv_ffn.h"

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ConvFfnImpl::ConvFfnImpl(const ConvFfnConfig& config) : act_(config.act), drop_(config.drop) {
  const bool leff = config.form == ConvFfnForm::kLeff;
  const int64_t in = config.in_features, hidden = config.hidden_features;
  const auto product = [leff](int64_t from, int64_t to) {
    return Pointwise(
        PointwiseConfig{.in_features = from,
                        .out_features = to,
                        .layout = leff ? WeightLayout::kConv1x1 : WeightLayout::kLinear,
                        .init = PointwiseInit::kTorch});
  };
  fc1_ = register_module(leff ? "conv1" : "fc1", product(in, hidden));
  dwconv_ = register_module(leff ? "conv2" : "dwconv",
                            conv2d(hidden, hidden,
                                   {.kernel_size = config.kernel_size,
                                    .groups = hidden,
                                    .bias = true,
                                    .init = leff ? ConvInit::kTorch : ConvInit::kEfficientNet}));
  fc2_ = register_module(leff ? "conv3" : "fc2", product(hidden, in));
  if (leff) {
    norm1_ = register_module("bn1", batch_norm(hidden));
    norm2_ = register_module("bn2", batch_norm(hidden));
    norm3_ = register_module("bn3", batch_norm(in));
  } else {
    for (auto& layer : {fc1_, fc2_}) {
      trunc_normal_(layer->weight, 0.02);
      torch::nn::init::zeros_(layer->bias);
    }
  }
}

torch::Tensor ConvFfnImpl::forward(const torch::Tensor& x) {
  auto y = to_nchw(fc1_->forward(x));  // [B,hidden,H,W]
  if (norm1_) y = norm_act(norm1_, y, act_);
  y = convolve(dwconv_, y);
  // Which of the two is first decides the layout that the activation sees, and so its last bit.
  y = norm2_ ? to_nhwc(norm_act(norm2_, y, act_)) : activate(to_nhwc(y), act_);
  y = nn::dropout(y, drop_, is_training());
  y = fc2_->forward(y);  // [B,H,W,D]
  if (norm3_) y = to_nhwc(norm3_->forward(to_nchw(y)));
  return nn::dropout(y, drop_, is_training());
}

}  // namespace braid::nn
