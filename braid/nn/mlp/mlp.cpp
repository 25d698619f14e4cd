#include "braid/nn/mlp/mlp.h"

#include "braid/nn/basic/init.h"

namespace braid::nn {

MlpImpl::MlpImpl(const MlpConfig& config)
    : act_(config.act), drop_(config.drop), drop_out_(config.drop_out.value_or(config.drop)) {
  using torch::nn::LinearOptions;
  const int64_t in = config.in_features, hidden = config.hidden_features;
  const int64_t out = config.out_features > 0 ? config.out_features : in;
  fc1 = register_module("fc1", torch::nn::Linear(LinearOptions(in, hidden).bias(config.bias)));
  fc2 = register_module("fc2", torch::nn::Linear(LinearOptions(hidden, out).bias(config.bias)));
  init_linear_(fc1);
  init_linear_(fc2);
}

torch::Tensor MlpImpl::forward(const torch::Tensor& x) {
  const auto y = torch::dropout(activate(fc1->forward(x), act_), drop_, is_training());
  return torch::dropout(fc2->forward(y), drop_out_, is_training());
}

}  // namespace braid::nn
