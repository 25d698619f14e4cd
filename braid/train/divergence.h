// Finds where a computation stopped being finite.
#pragma once

#include <string>

#include "braid/core/error.h"
#include "braid/models/vision/image_model.h"
#include "braid/torch.h"

namespace braid::train {

// The loss stayed NaN or infinite.
class DivergenceError : public DataError {
 public:
  using DataError::DataError;
};

// Runs the model forward on `input` and returns the name of the module whose operator first gave a
// NaN or infinity
// ("the input" when that holds one already, "the loss" when every output is finite).
std::string first_non_finite_module(models::ImageModel& model, const torch::Tensor& input);

}  // namespace braid::train
