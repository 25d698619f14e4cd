// Random numbers that leave no trace.
#pragma once
#include "braid/torch.h"

namespace braid::runtime {

// The device's default generator is as it was when this object ends, whatever was drawn meanwhile.
class GeneratorGuard {
 public:
  explicit GeneratorGuard(const at::Device& device)
      : generator_(at::globalContext().defaultGenerator(device)), state_(generator_.get_state()) {}
  ~GeneratorGuard() { generator_.set_state(state_); }
  GeneratorGuard(const GeneratorGuard&) = delete;
  GeneratorGuard& operator=(const GeneratorGuard&) = delete;
  at::Generator& generator() { return generator_; }

 private:
  at::Generator generator_;
  torch::Tensor state_;
};

}  // namespace braid::runtime
