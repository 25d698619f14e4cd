// A model on disk, in the hub layout of Hugging Face and timm: model.safetensors + config.json in
// one folder.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "braid/data/transforms.h"
#include "braid/models/model.h"

namespace braid::models {

// What config.json says: `architecture`, `num_classes`, `model_args` (every field of the model's
// config), `pretrained_cfg` (input size, mean, std, interpolation, crop_pct, label_names),
// `braid_version`.
struct ModelCard {
  std::string architecture;
  Json model_args;
  data::InputConfig input;
  std::vector<std::string> classes;
};

// Writes both files whole or not at all (temporary siblings, fsync, rename). Throws IoError.
void save_model(const Model& model, const ModelCard& card, const std::filesystem::path& folder);

struct LoadedModel {
  ModelPtr model;  // in eval mode
  ModelCard card;
};
LoadedModel load_model(const std::filesystem::path& folder);

// Copies tensors from a .safetensors file (or a folder with model.safetensors) into the model by
// name. Throws DataError naming the first missing, unexpected or ill-shaped tensor, and the file.
void load_weights(Model& model, const std::filesystem::path& file);
// The same from tensors already read; where names their origin for errors.
void load_tensors_into(Model& model, const std::map<std::string, torch::Tensor>& tensors,
                       const std::string& where);
// Parameters and buffers under timm's keys.
void save_weights(const Model& model, const std::filesystem::path& file);

}  // namespace braid::models
