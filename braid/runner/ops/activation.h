// Activations as parts of other operators.
#pragma once
#include <optional>

#include "braid/runner/op.h"

namespace braid::runner {

// What an operator does to each number; none where it is no activation, or one whose bounds are
// computed.
std::optional<Activation> activation_of(const NodeView& node);

// Of a function that does no more than keep numbers within bounds, which may be infinite.
struct Bounds {
  float low, high;
};
std::optional<Bounds> bounds_of(const Activation& f);

}  // namespace braid::runner
