// The mean of several checkpoints' weights, as fairseq's average_checkpoints.py makes it.
#pragma once
#include <filesystem>
#include <vector>

#include "braid/models/model.h"
#include "braid/runtime/tensor_file.h"

namespace braid::train {

// Puts the mean into the model, computed in the order of the folders in float32 or the weights' own
// wider type; whole numbers, such as counters of batches, are the first folder's. Throws IoError or
// DataError; the model holds some checkpoint's weights then.
void load_average(models::Model& model, const std::vector<std::filesystem::path>& folders);

// The tensors of named_state() into the model.
void copy_state(models::Model& model, const runtime::TensorMap& state);

}  // namespace braid::train
