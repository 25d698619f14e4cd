#include "braid/evaluate/auto_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>

#include "braid/core/error.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/run_training.h"
#include "braid/models/registry.h"

namespace braid::evaluate {
namespace {

struct Choices {
  Json asked;  // on which they hang beside what all work does
  ChosenModels chosen;
  void visit(FieldVisitor& v) {
    v.field("asked", asked, "");
    v.list("models", chosen.models);
    v.field("left_out", chosen.left_out, "");
  }
};

// "airbench_nano (82410 parameters, about 0.68 ms)"
std::string sizes_text(const ModelProfile& profile) {
  return fmt::format(
      "{} ({} parameters{})", profile.name, profile.params,
      profile.latency_ms > 0 ? fmt::format(", about {:.2g} ms", profile.latency_ms) : "");
}

// Notes the families of which the limits leave none. looked_at: of a family the smallest first.
void note_left_out(const Experiment& experiment, const std::vector<ModelProfile>& looked_at,
                   ChosenModels& chosen) {
  std::set<std::string> families;
  for (const auto& choice : chosen.models)
    families.insert(experiment.workload.taxonomy(choice.name).family);
  const auto limits = limits_text(preference_of(experiment.config));
  for (const auto& profile : looked_at)
    if (families.insert(profile.taxonomy.family).second)
      chosen.left_out.push_back(
          fmt::format("Left out: {}, whose smallest candidate, {}, is beyond "
                      "the limits ({}).",
                      profile.taxonomy.family, sizes_text(profile), limits));
}

// Throws UsageError where no model is left at all.
Choices look_for_models(const Experiment& experiment, size_t per_family, Json asked) {
  Choices choices{.asked = std::move(asked), .chosen = {}};
  std::vector<ModelProfile> looked_at;
  choices.chosen.models = experiment.workload.choose_models(
      [&](const std::string& name) {
        looked_at.push_back(profile_of(experiment, name));
        return looked_at.back();
      },
      [&](const ModelProfile& profile) {
        return affordable_passes(experiment, {.model = profile.name}, profile);
      },
      per_family);
  note_left_out(experiment, looked_at, choices.chosen);
  if (choices.chosen.models.empty() && choices.chosen.left_out.empty())
    throw UsageError("compare", "expected a model that suits, but no candidate does",
                     experiment.config.pretrained ? "--pretrained" : "--models auto",
                     "name models, see `braid models`");
  if (choices.chosen.models.empty())
    throw UsageError("compare",
                     fmt::format("expected limits that some model meets; {}",
                                 fmt::join(choices.chosen.left_out, " ")),
                     experiment.config.max_latency_ms ? "--max-latency-ms" : "--max-params",
                     "raise the limit, or name --models, see `braid models`");
  return choices;
}

}  // namespace

ModelProfile profile_of(const Experiment& experiment, const std::string& model) {
  const std::string part = "profile-" + models::folder_name(model);
  ModelProfile profile;
  profile.name = model;
  profile.taxonomy = experiment.workload.taxonomy(model);
  if (experiment.work.update(part, profile)) return profile;
  profile = experiment.workload.profile(model);
  experiment.work.keep(part, profile);
  return profile;
}

Preference preference_of(const CompareConfig& config) {
  return {config.prefer, config.max_latency_ms, config.max_params,
          config.deploy == kNotDeployed ? "" : config.deploy};
}

ChosenModels choose_models(const Experiment& experiment, size_t per_family) {
  const auto& c = experiment.config;
  if (c.models != std::vector<std::string>{kAutoModels}) return {};
  const Json asked = {
      {"per_family", per_family},
      {"max_latency_ms", c.max_latency_ms ? Json(*c.max_latency_ms) : Json(nullptr)},
      {"max_params", c.max_params ? Json(*c.max_params) : Json(nullptr)},
      {"seconds", experiment.budget.shared ? Json(experiment.budget.value) : Json(nullptr)}};
  const std::string part = c.pretrained ? "models-pretrained" : "models";
  auto choices = experiment.work.find<Choices>(part);
  if (!choices || choices->asked != asked) {
    choices = look_for_models(experiment, per_family, asked);
    experiment.work.keep(part, *choices);
  }
  return choices->chosen;
}

}  // namespace braid::evaluate
