#include "braid/train/ema.h"

#include <algorithm>
#include <cmath>

#include "braid/runtime/tensor_file.h"

namespace braid::train {

Ema::Ema(const torch::nn::Module& module, const Options& options) : options_(options) {
  for (const auto& [name, tensor] : runtime::named_state(module))
    average_[name] = tensor.detach().clone();
}

double Ema::decay_at(int64_t step) const {
  constexpr double kPower = 2.0 / 3;
  if (step <= 1) return 0;
  if (!options_.warmup) return options_.decay;
  return std::min(1 - std::pow(static_cast<double>(step), -kPower), options_.decay);
}

void Ema::update(const torch::nn::Module& module, int64_t step) {
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
  at::_foreach_lerp_(averages, currents, 1 - decay_at(step));
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
