// A model on disk, in the hub layout of Hugging Face and timm: model.safetensors (or shards) and
// config.json in one folder.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "braid/core/progress.h"
#include "braid/io/weight_shards.h"
#include "braid/models/hub_config.h"
#include "braid/models/model.h"

namespace braid::models {

// Writes the weights, then config.json, each whole or not at all (temporary siblings, fsync,
// rename). config: such as hub_config_to_json() gives it. Throws IoError.
void save_checkpoint(const Model& model, const Json& config, const std::filesystem::path& folder,
                     uint64_t max_shard_size = io::kMaxShardSize);

// The config.json of a folder that save_checkpoint or timm wrote. Throws IoError where there is
// none.
std::filesystem::path find_config(const std::filesystem::path& folder);

// The model that a config describes, its weights still to be loaded: what is drawn at random
// elsewhere is whatever the memory held. file: the config's, for errors. Throws DataError.
ModelPtr build_model(const HubConfig& hub, const std::filesystem::path& file);

// The kKind of the model of a folder that save_checkpoint, timm or transformers wrote. Throws
// IoError or DataError.
std::string kind_of_checkpoint(const std::filesystem::path& folder);

// The folder of the model that a user means. path: a checkpoint's folder; a run's or a
// comparison's, of which the best is taken; or hf-hub:OWNER/NAME. Throws IoError where there is
// none, and what io::resolve_weights throws.
std::filesystem::path find_checkpoint(const std::string& path, Progress& progress);

}  // namespace braid::models
