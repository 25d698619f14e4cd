// What config.json says of a model beside its weights, in timm's hub layout.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/image/input_config.h"
#include "braid/models/model.h"

namespace braid::models {

// In the file: `architecture`, `num_classes`, `num_features`, `global_pool`, `label_names`,
// `model_args` (what timm's constructor takes), `pretrained_cfg` (tag, input_size, interpolation,
// crop_pct, crop_mode, mean, std, num_classes, pool_size, first_conv, classifier), and `braid`
// (version, and every field of the model's config).
struct HubConfig {
  std::string architecture{};  // a name of the registry
  std::string tag{};           // of the pretrained weights, such as "a1_in1k"; may be empty
  Json model_args{};           // fields of the model's config
  std::string global_pool{};   // that the file asks for; empty: the architecture's own
  data::InputConfig input{};
  std::vector<std::string> classes{};  // may be empty: timm's files need not name them
};

// The card of a model that no data has shaped: the architecture's own input, at the model's size
// and channels. name: an architecture, with or without a tag.
HubConfig make_hub_config(const std::string& name, const Model& model);

Json hub_config_to_json(const HubConfig& card, const Model& model);

// Reads what braid, timm's save_for_hf and timm's older versions write. Throws IoError, or
// DataError naming file and field: an unknown architecture, images that are not square,
// preprocessing that braid lacks, a configuration of Hugging Face transformers.
HubConfig read_hub_config(const std::filesystem::path& file);
// That of the folder of initial weights; none for a file, or a folder without config.json.
std::optional<HubConfig> find_hub_config(const std::filesystem::path& weights);

}  // namespace braid::models
