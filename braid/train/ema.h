// Exponential moving average of a model's weights, timm's ModelEmaV3.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "braid/torch.h"

namespace braid::train {

class Ema {
 public:
  struct Options {
    double decay = 0.9998;
    // The decay of step t (from 1) is at most 1 - t^(-2/3), timm's use_warmup with its power, so
    // that the average follows a short run too; without it a run of fewer than some 1 / (1 - decay)
    // steps ends in an average that is mostly its initial weights.
    bool warmup = true;
  };
  // Begins as a copy of the module's parameters and buffers.
  Ema(const torch::nn::Module& module, const Options& options);
  // average = decay * average + (1 - decay) * current for floating tensors; others are copied. The
  // first step, 1, copies all of them, as in timm.
  void update(const torch::nn::Module& module, int64_t step);
  double decay_at(int64_t step) const;
  // Exchanges the average and the module's tensors; call again to undo.
  void swap(torch::nn::Module& module);
  std::map<std::string, torch::Tensor>& state() { return average_; }

 private:
  Options options_;
  std::map<std::string, torch::Tensor> average_;
};

}  // namespace braid::train
