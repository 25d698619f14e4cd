#include "braid/train/resolve_config.h"

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/train/recipes.h"

namespace braid::train {

TrainConfig resolve_config(const ConfigSources& sources) {
  if (sources.recipe != "auto" && sources.recipe != "none")
    throw UsageError("train", "expected auto or none, got '" + sources.recipe + "'", "--recipe");
  KeyLines lines;
  const Json file = sources.file.empty() ? Json::object() : read_toml(sources.file, &lines);
  const auto overridden = [&](TrainConfig config) {
    update_from_json(config, file, sources.file.string(), lines);
    update_from_json(config, sources.fields, "flags");
    return config;
  };
  TrainConfig config = overridden({});
  if (config.task.model.empty())
    throw UsageError("train", "expected a model", "--model", "`braid models` lists them");
  // The recipe hangs on the model, which the sources name.
  if (sources.recipe == "auto")
    config = overridden(recipe_for(models::find_model(config.task.model)));
  if (config.task.data.empty())
    throw UsageError("train", "expected a dataset", "--data", "a folder, or fashion-mnist");
  return config;
}

}  // namespace braid::train
