// A model's tensors in a folder: one safetensors file, or several of a limited size.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "braid/io/safetensors.h"

namespace braid::io {

inline constexpr uint64_t kMaxShardSize = 5'000'000'000;  // bytes, Hugging Face's default

// "5GB", "300MB" in Hugging Face's notation: KB, MB, GB, TB are powers of 1000, KIB, MIB, GIB, TIB
// of 1024. Throws UsageError for anything else.
uint64_t parse_byte_size(const std::string& text);

// Writes model.safetensors into the folder; where the tensors are larger than max_shard_size bytes,
// model-00001-of-0000N.safetensors and so on instead, and model.safetensors.index.json last, as
// huggingface_hub's save_torch_state_dict does. A tensor larger than that is a shard by itself.
// Weights that the folder held before go; a kill leaves the old ones, the new ones, or a folder
// whose index is missing, which find_weight_files refuses: never a mixture.
void write_weights(const std::filesystem::path& folder,
                   const std::map<std::string, TensorView>& tensors, uint64_t max_shard_size,
                   const std::map<std::string, std::string>& metadata = {});

}  // namespace braid::io
