// The position bias that a config asks for.
#pragma once
#include <cstdint>
#include <memory>

#include "braid/nn/position/position_bias.h"

namespace braid::nn {

// Null for kNone.
std::shared_ptr<PositionBiasImpl> make_position_bias(const PositionBiasConfig& config,
                                                     int64_t num_heads);

}  // namespace braid::nn
