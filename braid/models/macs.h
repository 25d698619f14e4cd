// What a model costs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "braid/models/model.h"
#include "braid/torch.h"

namespace braid::models {

int64_t count_parameters(const Model& model);

// Multiply-accumulates of one forward pass in eval mode: convolutions, matrix products and
// attention (Q K^T and the weighted sum), counted from the operators that really run, as fvcore
// counts them without its element-wise operators. shape: [B,C,H,W].
int64_t count_macs(Model& model, const std::vector<int64_t>& shape);
// The same of anything that runs on this thread.
int64_t count_macs(const std::function<void()>& run);

}  // namespace braid::models
