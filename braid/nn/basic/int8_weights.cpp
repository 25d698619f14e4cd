#include "braid/nn/basic/int8_weights.h"

#include <utility>

#include "braid/ops/int8_linear.h"

namespace braid::nn {
namespace {

thread_local const Int8Weights* weights_in_scope = nullptr;

}  // namespace

struct Int8Weights::Rounded {
  torch::Tensor weight;  // held, so that no other takes its place
  ops::Int8Matrix matrix;
};

void Int8Weights::round(const torch::Tensor& weight) {
  const auto* const key = weight.unsafeGetTensorImpl();
  if (matrices_.contains(key)) return;
  const torch::NoGradGuard no_grad;
  auto matrix = ops::to_int8(weight);
  weight.detach().copy_(ops::to_float(matrix));
  matrices_.emplace(key, std::make_shared<const Rounded>(Rounded{weight, std::move(matrix)}));
}

const ops::Int8Matrix* Int8Weights::find(const torch::Tensor& weight) const {
  const auto it = matrices_.find(weight.unsafeGetTensorImpl());
  return it == matrices_.end() ? nullptr : &it->second->matrix;
}

Int8Scope::Int8Scope(const Int8Weights* weights) : before_(weights_in_scope) {
  weights_in_scope = weights;
}
Int8Scope::~Int8Scope() { weights_in_scope = before_; }

const ops::Int8Matrix* Int8Scope::matrix_of(const torch::Tensor& weight) {
  return weights_in_scope == nullptr ? nullptr : weights_in_scope->find(weight);
}

}  // namespace braid::nn
