#include "braid/nn/mlp/mlp.h"

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/product.h"

namespace braid::nn {

MlpImpl::MlpImpl(const MlpConfig& config)
    : act_(config.act), drop_(config.drop), drop_out_(config.drop_out.value_or(config.drop)) {
  const auto product = [&](int64_t in, int64_t out) {
    return Pointwise(PointwiseConfig{.in_features = in,
                                     .out_features = out,
                                     .layout = config.layout,
                                     .bias = config.bias,
                                     .init = config.init == MlpInit::kEfficientNet
                                                 ? PointwiseInit::kEfficientNet
                                                 : PointwiseInit::kTorch});
  };
  const int64_t in = config.in_features, hidden = config.hidden_features;
  fc1 = register_module(config.fc1_key, product(in, hidden));
  fc2 = register_module(config.fc2_key,
                        product(hidden, config.out_features > 0 ? config.out_features : in));
  if (config.init == MlpInit::kTruncNormal) init_layers_(*this, trunc_normal_);
}

torch::Tensor MlpImpl::hidden(const torch::Tensor& x) {
  if (!is_training() || !x.is_cpu()) return activate(fc1->forward(x), act_);
  return activated_product(x, fc1->weight.flatten(1), fc1->bias, act_, true);
}

torch::Tensor MlpImpl::forward(const torch::Tensor& x) {
  const auto y = nn::dropout(hidden(x), drop_, is_training());
  return nn::dropout(fc2->forward(y), drop_out_, is_training());
}

}  // namespace braid::nn
