// An image model on disk: see models/checkpoint.h.
#pragma once
#include <cstdint>
#include <filesystem>

#include "braid/io/weight_shards.h"
#include "braid/models/vision/image_model.h"
#include "braid/models/vision/pretrained_cfg.h"

namespace braid::models {

// Writes weights and config.json. Throws IoError.
void save_model(const ImageModel& model, const ImageHubConfig& hub,
                const std::filesystem::path& folder, uint64_t max_shard_size = io::kMaxShardSize);

struct LoadedModel {
  ImageModelPtr model;  // in eval mode
  ImageHubConfig hub;
};
// A folder that save_model or timm wrote. Throws IoError or DataError.
LoadedModel load_model(const std::filesystem::path& folder);
// The same, reparameterized: for evaluation and prediction, not for training on.
LoadedModel load_for_inference(const std::filesystem::path& folder);

}  // namespace braid::models
