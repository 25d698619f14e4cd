// A module in evaluation for a scope.
#pragma once
#include <string>

#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/torch.h"

namespace braid::runtime {

// No gradients, eval mode, the given precision; the module's mode comes back at the end, by an
// exception too.
class EvalScope {
 public:
  explicit EvalScope(torch::nn::Module& module, const std::string& dtype = "float32")
      : module_(module),
        was_training_(module.is_training()),
        device_(device_of(module)),
        autocast_(device_.type(), dtype) {
    module_.eval();
  }
  ~EvalScope() { module_.train(was_training_); }
  EvalScope(const EvalScope&) = delete;
  EvalScope& operator=(const EvalScope&) = delete;
  torch::Device device() const { return device_; }  // of the module's parameters

 private:
  torch::nn::Module& module_;
  bool was_training_;
  torch::Device device_;
  torch::NoGradGuard no_grad_;
  Autocast autocast_;
};

}  // namespace braid::runtime
