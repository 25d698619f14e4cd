// From what a user gave to the config of a training.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "braid/core/config.h"
#include "braid/train/recipes.h"

namespace braid::train {

struct ConfigSources {
  std::string recipe = "auto";      // auto: the family's documented defaults; none: plain ones
  std::filesystem::path file = {};  // TOML; empty: none
  Json fields = Json::object();     // such as the flags that were given
  // The weights that are published for the model (models/published_weights.h) in place of
  // task.weights; a file may say so too, with the key `pretrained`.
  bool pretrained = false;
  // What the recipe hangs on; unset: only the epochs, on a data set of middling size.
  std::optional<RecipeFacts> facts = {};
};

// The recipe (of a run that is resumed: what it was begun with), overridden by the file, overridden
// by the fields. A file that has every setting, as a run's config.toml, is taken without a recipe,
// so that it repeats the run. Throws ConfigError on a misspelt key or a wrong type (in the file:
// with its line), UsageError when model or data is missing, the model unknown or, with pretrained,
// without published weights, IoError when the file cannot be read. The values are validate()'s
// matter.
TrainConfig resolve_config(const ConfigSources& sources);

}  // namespace braid::train
