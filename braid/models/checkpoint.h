// A model on disk, in the hub layout of Hugging Face and timm: model.safetensors (or shards) and
// config.json in one folder.
#pragma once
#include <filesystem>
#include <string>

#include "braid/core/progress.h"
#include "braid/models/hub_config.h"
#include "braid/models/model.h"
#include "braid/models/weights.h"

namespace braid::models {

// Writes the weights, then config.json, each whole or not at all (temporary siblings, fsync,
// rename). Throws IoError.
void save_model(const Model& model, const HubConfig& card, const std::filesystem::path& folder,
                uint64_t max_shard_size = io::kMaxShardSize);

struct LoadedModel {
  ModelPtr model;  // in eval mode
  HubConfig card;
};
// A folder that save_model or timm wrote. Throws IoError or DataError.
LoadedModel load_model(const std::filesystem::path& folder);
// The same, reparameterized: for evaluation and prediction, not for training on.
LoadedModel load_for_inference(const std::filesystem::path& folder);

// The folder of the model that a user means. path: a checkpoint's folder; a run's or a
// comparison's, of which the best is taken; or hf-hub:OWNER/NAME. Throws IoError where there is
// none, and what io::resolve_weights throws.
std::filesystem::path find_checkpoint(const std::string& path, Progress& progress);

}  // namespace braid::models
