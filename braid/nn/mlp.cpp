#include "braid/nn/mlp.h"

#include "braid/nn/init.h"

namespace braid::nn {

MlpImpl::MlpImpl(int64_t in_features, int64_t hidden_features, double drop) : drop_(drop) {
  fc1 = register_module("fc1", torch::nn::Linear(in_features, hidden_features));
  fc2 = register_module("fc2", torch::nn::Linear(hidden_features, in_features));
  init_linear_(fc1);
  init_linear_(fc2);
}

torch::Tensor MlpImpl::forward(const torch::Tensor& x) {
  auto y = torch::dropout(at::gelu(fc1->forward(x)), drop_, is_training());
  return torch::dropout(fc2->forward(y), drop_, is_training());
}

}  // namespace braid::nn
