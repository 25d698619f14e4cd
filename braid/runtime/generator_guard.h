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

// One user of a device's default generator among several who take turns: each goes on with the
// numbers where it left off, however many the others drew.
class KeptGenerator {
 public:
  KeptGenerator(const at::Device& device, uint64_t seed) : device_(device) {
    GeneratorGuard guard(device);
    guard.generator().set_current_seed(seed);
    state_ = guard.generator().get_state();
  }

  // As long as it lives, the default generator is this user's.
  class Turn {
   public:
    explicit Turn(KeptGenerator& kept) : kept_(kept), guard_(kept.device_) {
      guard_.generator().set_state(kept.state_);
    }
    ~Turn() { kept_.state_ = guard_.generator().get_state(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    KeptGenerator& kept_;
    GeneratorGuard guard_;
  };
  Turn turn() { return Turn(*this); }

 private:
  at::Device device_;
  torch::Tensor state_;
};

}  // namespace braid::runtime
