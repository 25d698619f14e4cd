#include "braid/nn/mlp/conv_mlp.h"

#include "braid/nn/conv/conv.h"

namespace braid::nn {

ConvMlpImpl::ConvMlpImpl(const ConvMlpConfig& config) : act_(config.act), drop_(config.drop) {
  const int64_t chans = config.in_features, hidden = config.hidden_features;
  fc1 = register_module("fc1", conv2d(chans, hidden, {.kernel = 1, .bias = true}));
  fc2 = register_module("fc2", conv2d(hidden, chans, {.kernel = 1, .bias = true}));
}

torch::Tensor ConvMlpImpl::forward(const torch::Tensor& x) {
  const auto hidden = activate(pointwise(fc1, x), act_);
  return pointwise(fc2, torch::dropout(hidden, drop_, is_training()));
}

}  // namespace braid::nn
