// Precompiled for every file above core and io: LibTorch's headers dominate compile time.
#pragma once
#include "braid/torch.h"

#include <nlohmann/json.hpp>
