// Activations by Hugging Face's names.
#pragma once
#include <string>
#include <vector>

#include "braid/nn/basic/activation.h"

namespace braid::models {

// "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python", "quick_gelu", "relu",
// "relu6", "sigmoid", "silu", "swish", "tanh", "linear". Throws ConfigError with near matches for
// another name.
nn::Act parse_hidden_act(const std::string& name);
std::vector<std::string> hidden_act_names();  // that parse_hidden_act takes

}  // namespace braid::models
