// Named tensors in safetensors files.
#pragma once
#include "braid/torch.h"

#include <filesystem>
#include <map>
#include <string>

namespace braid::models {

using TensorMap = std::map<std::string, torch::Tensor>;

// Every tensor of a file, or of a folder's shards; copies on the CPU. Throws IoError or DataError.
TensorMap load_tensors(const std::filesystem::path& path);
// Written whole or not at all. Throws IoError.
void save_tensors(const TensorMap& tensors, const std::filesystem::path& file,
                  const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
// Parameters and persistent buffers under their full names; they share storage with the model.
TensorMap named_state(const torch::nn::Module& module);

}  // namespace braid::models
