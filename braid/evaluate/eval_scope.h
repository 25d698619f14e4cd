// A model in evaluation for a scope.
#pragma once

#include <string>

#include "braid/models/model.h"
#include "braid/nn/autocast.h"
#include "braid/torch.h"

namespace braid::evaluate {

// No gradients, eval mode, the given precision; the model's mode comes back at the end.
class EvalScope {
 public:
  EvalScope(models::Model& model, const std::string& dtype)
      : model_(model),
        was_training_(model.is_training()),
        device_(model.parameters().front().device()),
        autocast_(device_.type(), dtype) {
    model_.eval();
  }
  ~EvalScope() { model_.train(was_training_); }
  EvalScope(const EvalScope&) = delete;
  EvalScope& operator=(const EvalScope&) = delete;
  torch::Device device() const { return device_; }  // of the model's parameters

 private:
  models::Model& model_;
  bool was_training_;
  torch::Device device_;
  torch::NoGradGuard no_grad_;
  nn::Autocast autocast_;
};

}  // namespace braid::evaluate
