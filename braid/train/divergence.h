// Finds where a computation stopped being finite.
#pragma once

#include <functional>
#include <string>

#include "braid/core/error.h"
#include "braid/data/batch.h"
#include "braid/torch.h"

namespace braid::train {

// The loss stayed NaN or infinite.
class DivergenceError : public DataError {
 public:
  using DataError::DataError;
};

// Calls `forward`, which runs the model on the batch, without gradients, and returns the name of
// the module whose operator first gave a NaN or infinity ("the input" when the batch holds one
// already, "the loss" when every output is finite).
std::string first_non_finite_module(const torch::nn::Module& model, const data::Batch& batch,
                                    const std::function<void()>& forward);

}  // namespace braid::train
