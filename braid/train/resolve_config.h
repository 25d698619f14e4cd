// From what a user gave to the config of a training.
#pragma once
#include <filesystem>
#include <string>

#include "braid/core/config.h"
#include "braid/train/config.h"

namespace braid::train {

struct ConfigSources {
  std::string recipe = "auto";      // auto: the family's documented defaults; none: plain ones
  std::filesystem::path file = {};  // TOML; empty: none
  Json fields = Json::object();     // such as the flags that were given
};

// The recipe of the model's family, overridden by the file, overridden by the fields. Throws
// ConfigError on a misspelt key or a wrong type (in the file: with its line), UsageError when model
// or data is missing or the model unknown, IoError when the file cannot be read. The values are
// validate()'s matter.
TrainConfig resolve_config(const ConfigSources& sources);

}  // namespace braid::train
