// What a model costs, and of what.
#pragma once

#include <cstdint>
#include <functional>

#include "braid/models/model.h"

namespace braid::models {

int64_t count_parameters(const Model& model);
// Whether a layer keeps running statistics; how many of a model's do.
bool keeps_statistics(const torch::nn::Module& layer);
int64_t count_batch_norms(const Model& model);

// Multiply-accumulates of what runs on this thread: convolutions, matrix products and attention
// (Q K^T and the weighted sum), counted from the operators that really run, as fvcore counts them
// without its element-wise operators.
int64_t count_macs(const std::function<void()>& run);

}  // namespace braid::models
