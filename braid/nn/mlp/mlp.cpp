#include "braid/nn/mlp/mlp.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/ops/bias_gelu.h"

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
  const auto& bias = fc1->bias;
  if (!is_training() || !x.is_cpu() || act_ != Act::kGelu || !bias.defined() ||
      bias.scalar_type() != torch::kFloat)
    return activate(fc1->forward(x), act_);
  return ops::bias_gelu(at::linear(x, fc1->weight.flatten(1)), bias);
}

torch::Tensor MlpImpl::forward(const torch::Tensor& x) {
  const auto y = torch::dropout(hidden(x), drop_, is_training());
  return torch::dropout(fc2->forward(y), drop_out_, is_training());
}

}  // namespace braid::nn
