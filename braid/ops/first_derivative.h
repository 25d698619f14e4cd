// What operators without a second derivative say of a request for one.
#pragma once
#include <ATen/core/grad_mode.h>

#include <string>

#include "braid/core/error.h"

namespace braid::ops {

// For the backward pass of `fused`: throws InternalError where its own gradient is asked for.
// composed: the function that has one.
inline void check_first_derivative(const char* fused, const char* composed) {
  if (at::GradMode::is_enabled())
    throw InternalError("ops", "expected a first derivative, got a request for the second", fused,
                        std::string("leave out create_graph, or compute ") + composed);
}

}  // namespace braid::ops
