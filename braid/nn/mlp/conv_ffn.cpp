#include "braid/nn/mlp/conv_ffn.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ConvFfnImpl::ConvFfnImpl(const ConvFfnConfig& config) : act_(config.act), drop_(config.drop) {
  const int64_t hidden = config.hidden_features;
  const int64_t out = config.out_features > 0 ? config.out_features : config.in_features;
  fc1 = register_module("fc1", torch::nn::Linear(config.in_features, hidden));
  dwconv = register_module(
      "dwconv", conv2d(hidden, hidden, {.kernel = config.kernel, .groups = hidden, .bias = true}));
  fc2 = register_module("fc2", torch::nn::Linear(hidden, out));
  init_linear_(fc1);
  init_linear_(fc2);
}

torch::Tensor ConvFfnImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(dwconv->forward(to_nchw(fc1->forward(x))));  // [B,H,W,hidden]
  y = torch::dropout(activate(y, act_), drop_, is_training());
  return torch::dropout(fc2->forward(y), drop_, is_training());
}

}  // namespace braid::nn
