#include "braid/train/resolve_config.h"

#include "braid/core/error.h"
#include "braid/models/published_weights.h"
#include "braid/models/registry.h"
#include "braid/train/checkpoints.h"

namespace braid::train {

namespace {

// names_pairs: the sources say how many pairs a batch has, not how many tokens. A recipe's tokens
// would take the place of what was asked for.
//
// A measured speed differs from one time to the next, and a recipe with it: a run that is resumed
// keeps its own.
TrainConfig base_of(const TrainConfig& asked, const ConfigSources& sources, bool names_pairs) {
  const auto kept = std::filesystem::path(asked.run.output) / "config.toml";
  if (!checkpoint_to_resume(asked.run).empty() && std::filesystem::exists(kept)) {
    TrainConfig begun;
    update_from_json(begun, read_toml(kept), kept.string());
    return begun;
  }
  RecipeFacts facts;
  facts.passes = static_cast<double>(asked.run.epochs);
  auto config =
      recipe_for(models::find_model(asked.task.model), sources.facts.value_or(facts)).config;
  if (names_pairs) config.task.translation.max_tokens = 0;
  return config;
}

// Whether a file has all settings, as the config.toml of a run: what it leaves unset was unset, and
// no recipe may set it.
bool has_every_setting(const Json& file) {
  const Json plain = to_json(TrainConfig());
  for (const auto& [field, value] : plain.items())
    if (!value.is_null() && !file.contains(field)) return false;
  return true;
}

// The file's key `pretrained`, which it then has no more: what a run keeps are the weights.
bool take_pretrained(Json& file, const std::string& where) {
  const auto it = file.find("pretrained");
  if (it == file.end()) return false;
  if (!it->is_boolean())
    throw ConfigError("config", "expected true or false for pretrained, got " + it->dump(), where);
  const bool pretrained = it->get<bool>();
  file.erase(it);
  return pretrained;
}

void use_published_weights(tasks::TaskConfig& task) {
  const auto published = models::published_weights(task.model);
  if (!task.weights.empty() && task.weights != published)
    throw UsageError("train", "expected --pretrained or other weights, got both",
                     "--weights " + task.weights,
                     "--pretrained of " + task.model + " is --weights " + published);
  task.weights = published;
}

}  // namespace

TrainConfig resolve_config(const ConfigSources& sources) {
  if (sources.recipe != "auto" && sources.recipe != "none")
    throw UsageError("train", "expected auto or none, got '" + sources.recipe + "'", "--recipe");
  KeyLines lines;
  Json file = sources.file.empty() ? Json::object() : read_toml(sources.file, &lines);
  const bool pretrained = take_pretrained(file, sources.file.string()) || sources.pretrained;
  const auto overridden = [&](TrainConfig config) {
    update_from_json(config, file, sources.file.string(), lines);
    update_from_json(config, sources.fields, "flags");
    if (pretrained && !config.task.model.empty()) use_published_weights(config.task);
    return config;
  };
  TrainConfig config = overridden({});
  if (config.task.model.empty())
    throw UsageError("train", "expected a model", "--model", "`braid models` lists them");
  const auto names = [&](const char* field) {
    return file.contains(field) || sources.fields.contains(field);
  };
  // The recipe hangs on the model and the length of the run, which the sources name.
  if (sources.recipe == "auto" && !has_every_setting(file))
    config = overridden(base_of(config, sources, names("batch_size") && !names("max_tokens")));
  if (config.task.data.empty())
    throw UsageError("train", "expected a dataset", "--data", "a folder, or fashion-mnist");
  return config;
}

}  // namespace braid::train
