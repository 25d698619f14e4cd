// How a fusion says what an operator does besides: attributes and operators that no file has.
#pragma once
#include "braid/runner/op.h"

namespace braid::runner {

inline constexpr const char* kFusedFunction = "braid.function";  // a Function as a number
inline constexpr const char* kFusedAlpha = "braid.alpha";
inline constexpr const char* kFusedBeta = "braid.beta";

// The activation after the sums; identity where none was fused.
Activation fused_activation(const NodeView& node);

// a + b with broadcasting, float32: what a fused sum does where sizes differ.
Tensor add_tensors(const RunContext& context, const Tensor& a, const Tensor& b,
                   const std::string& where);
// y = f(y), in place.
void activate(const RunContext& context, const Activation& f, Tensor& y);

// Whether a matrix product is one of a constant weight and, at most, a bias of its columns.
bool is_linear(const NodeView& node);

}  // namespace braid::runner
