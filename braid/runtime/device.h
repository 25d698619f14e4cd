// Where a computation runs.
#pragma once
#include <string>

#include "braid/torch.h"

namespace braid::runtime {

// name: "cpu", "cuda" or "cuda:N". Throws ConfigError for any other name, and for a CUDA device
// that is not there.
torch::Device resolve_device(const std::string& name);

// That of the module's parameters; the CPU for one without parameters.
torch::Device device_of(const torch::nn::Module& module);

}  // namespace braid::runtime
