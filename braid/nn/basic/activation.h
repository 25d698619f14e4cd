// Activations by timm's names.
#pragma once

#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::nn {

enum class Act {
  kIdentity,
  kRelu,
  kRelu6,
  kSilu,
  kGelu,
  kGeluTanh,
  kQuickGelu,  // x * sigmoid(1.702 x)
  kHardSwish,
  kSigmoid,
  kHardSigmoid,
  kTanh
};

// "identity", "relu", "relu6", "silu", "gelu", "gelu_tanh", "quick_gelu", "hard_swish", "sigmoid",
// "hard_sigmoid", "tanh". Throws ConfigError with near matches for another name.
Act parse_act(const std::string& name);
std::vector<std::string> act_names();  // that parse_act takes

// Element by element; a new tensor, but x itself for kIdentity. Where gradients are recorded, and
// within nn::OwnOperators, GELU and SiLU are fused operators where there are some
// (ops/activation.h); LibTorch's else, and so always in what capture observes.
torch::Tensor activate(const torch::Tensor& x, Act act);

}  // namespace braid::nn
