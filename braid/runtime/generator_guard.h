// Random numbers that leave no trace.
#pragma once
#include <cstdint>
#include <mutex>

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

// The same, and the generator starts from a seed. Only one thread of a process has such objects at
// a time, others wait: LibTorch initializes modules from the default generator, and the numbers of
// two models must not mix.
class SeededGenerator {
 public:
  SeededGenerator(const at::Device& device, uint64_t seed) : lock_(mutex()), guard_(device) {
    guard_.generator().set_current_seed(seed);
  }

 private:
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex one;
    return one;
  }
  std::lock_guard<std::recursive_mutex> lock_;
  GeneratorGuard guard_;
};

}  // namespace braid::runtime
