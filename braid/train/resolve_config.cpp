#include "braid/train/resolve_config.h"

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/train/checkpoints.h"

namespace braid::train {

namespace {

// A measured speed differs from one time to the next, and a recipe with it: a run that is resumed
// keeps its own.
TrainConfig base_of(const TrainConfig& asked, const ConfigSources& sources) {
  const auto kept = std::filesystem::path(asked.run.output) / "config.toml";
  if (!checkpoint_to_resume(asked.run).empty() && std::filesystem::exists(kept)) {
    TrainConfig begun;
    update_from_json(begun, read_toml(kept), kept.string());
    return begun;
  }
  RecipeFacts facts;
  facts.passes = static_cast<double>(asked.run.epochs);
  return recipe_for(models::find_model(asked.task.model), sources.facts.value_or(facts)).config;
}

}  // namespace

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
  // The recipe hangs on the model and the length of the run, which the sources name.
  if (sources.recipe == "auto") config = overridden(base_of(config, sources));
  if (config.task.data.empty())
    throw UsageError("train", "expected a dataset", "--data", "a folder, or fashion-mnist");
  return config;
}

}  // namespace braid::train
