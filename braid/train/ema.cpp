#include "braid/train/ema.h"

#include "braid/runtime/tensor_file.h"

namespace braid::train {

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) {
  for (const auto& [name, tensor] : runtime::named_state(module))
    average_[name] = tensor.detach().clone();
}

void Ema::update(const torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> averages, currents;
  for (const auto& [name, tensor] : runtime::named_state(module)) {
    auto& average = average_.at(name);
    if (!tensor.is_floating_point()) {
      average.copy_(tensor);
      continue;
    }
    averages.push_back(average);
    currents.push_back(tensor.detach());
  }
  at::_foreach_lerp_(averages, currents, 1 - decay_);
}

void Ema::swap(torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : runtime::named_state(module)) {
    auto& average = average_.at(name);
    const auto held = tensor.detach().clone();
    torch::Tensor(tensor).copy_(average);
    average.copy_(held);
  }
}

}  // namespace braid::train
