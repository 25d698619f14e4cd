// Precompiled for every file above core and io: LibTorch's headers dominate compile time.
#pragma once
#include <torch/torch.h>

#include <nlohmann/json.hpp>
