// Models as if they were trained.
#pragma once
#include "braid/torch.h"

namespace braid::graph {

// Statistics and gains that are not the initial ones, so that folding has something to do.
inline void disturb(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& buffer : module.named_buffers()) {
    if (buffer.key().ends_with("running_mean")) buffer.value().normal_(0, 0.3);
    if (buffer.key().ends_with("running_var")) buffer.value().uniform_(0.5, 2);
  }
  for (auto& parameter : module.named_parameters())
    if (parameter.value().dim() == 1)
      parameter.value().add_(torch::randn_like(parameter.value()) * 0.2);
}

}  // namespace braid::graph
