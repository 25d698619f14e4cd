// What config.json says of an image model: the part of every model, and timm's pretrained_cfg.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "braid/data/image/input_config.h"
#include "braid/models/hub_config.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

// In the file, beside HubConfig's: `num_features`, `global_pool`, `pretrained_cfg` (tag,
// input_size, interpolation, crop_pct, crop_mode, mean, std, num_classes, pool_size, first_conv,
// classifier).
struct ImageHubConfig : HubConfig {
  data::InputConfig input{};
  std::string global_pool{};  // that the file asks for; empty: the architecture's own
};

// The config of a model that no data has shaped: the architecture's own input, at the model's size
// and channels. name: an architecture, with or without a tag.
ImageHubConfig make_image_hub_config(const std::string& name, const ImageModel& model);

Json image_hub_config_to_json(const ImageHubConfig& hub, const ImageModel& model);

// As read_hub_config; throws DataError also for images that are not square and for preprocessing
// that braid lacks. model_args has in_chans and img_size.
ImageHubConfig read_image_hub_config(const std::filesystem::path& file);
// That of the folder of initial weights; none for a file, or a folder without config.json.
std::optional<ImageHubConfig> find_image_hub_config(const std::filesystem::path& weights);

}  // namespace braid::models
