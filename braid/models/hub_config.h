// What config.json says of a model beside its weights, in timm's hub layout: the part that models
// of every kind have.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/hub_fields.h"
#include "braid/models/model.h"

namespace braid::models {

// In the file: `architecture`, `num_classes`, `label_names`, `model_args` (what timm's constructor
// takes), `braid` (version, and every field of the model's config), and of models that judge two
// texts together `text_pairs`, true, and of classifiers whose outputs are no classes of which one
// is right transformers' `problem_type`. What a kind of models adds is its own matter: see
// vision/pretrained_cfg.h.
inline constexpr const char* kSeveralLabels = "multi_label_classification";  // a problem_type

struct HubConfig {
  std::string architecture{};          // a name of the registry
  std::string tag{};                   // of the pretrained weights, such as "a1_in1k"; may be empty
  Json model_args = Json::object();    // fields of the model's config
  std::vector<std::string> classes{};  // may be empty: timm's files need not name them
  bool text_pairs = false;             // trained on two texts at once; absent: on single ones
  // kSeveralLabels: each output by itself; "regression"; empty: one of the classes is right.
  std::string problem_type{};
};

// The config of a model that no data has shaped. name: an architecture, with or without a tag.
HubConfig make_hub_config(const std::string& name, const Model& model);

// {architecture, (num_classes), (label_names), model_args, braid}; model_args: the fields that
// differ from the architecture's own, without drop rates, which are a run's own matter.
Json hub_config_to_json(const HubConfig& hub, const Model& model);

// Reads what braid, timm's save_for_hf and timm's older versions write. Throws IoError, or
// DataError naming file and field: an unknown architecture, a configuration of Hugging Face
// transformers. model_args: every field of the config where braid wrote the file, else what the
// file gives to timm's constructor, and num_classes.
HubConfig read_hub_config(const std::filesystem::path& file);
HubConfig read_hub_config(const HubFields& fields);
// timm's older files have the fields of pretrained_cfg at the top.
HubFields pretrained_fields(const HubFields& fields);

}  // namespace braid::models
