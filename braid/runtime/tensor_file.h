// Named tensors in safetensors files.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "braid/torch.h"

namespace braid::runtime {

using TensorMap = std::map<std::string, torch::Tensor>;

// Every tensor of a file, or of a folder's shards; copies on the CPU. Throws IoError or DataError.
TensorMap load_tensors(const std::filesystem::path& path);
// Written whole or not at all. Throws IoError.
void save_tensors(const TensorMap& tensors, const std::filesystem::path& file,
                  const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
// The same into a folder, as one file or in shards of at most so many bytes: see io::write_weights.
void save_tensors_sharded(const TensorMap& tensors, const std::filesystem::path& folder,
                          uint64_t max_shard_size);
// Parameters and persistent buffers under their full names; they share storage with the model.
TensorMap named_state(const torch::nn::Module& module);

}  // namespace braid::runtime
