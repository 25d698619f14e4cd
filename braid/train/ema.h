// Exponential moving average of a model's weights, timm's ModelEmaV3 without warm-up.
#pragma once

#include <map>
#include <string>

#include "braid/torch.h"

namespace braid::train {

class Ema {
 public:
  // Begins as a copy of the module's parameters and buffers.
  Ema(const torch::nn::Module& module, double decay);
  // average = decay * average + (1 - decay) * current for floating tensors; others are copied.
  void update(const torch::nn::Module& module);
  // Exchanges the average and the module's tensors; call again to undo.
  void swap(torch::nn::Module& module);
  std::map<std::string, torch::Tensor>& state() { return average_; }

 private:
  double decay_;
  std::map<std::string, torch::Tensor> average_;
};

}  // namespace braid::train
