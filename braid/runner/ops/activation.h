// Activations as parts of other operators.
#pragma once
#include <optional>

#include "braid/runner/op.h"

namespace braid::runner {

// What an operator does to each number; none where it is no activation, or one whose bounds are
// computed.
std::optional<Activation> activation_of(const NodeView& node);

}  // namespace braid::runner
