// config.json of Hugging Face transformers, for the families of models whose registry entries say
// how it names them.
#pragma once
#include <string>
#include <vector>

#include "braid/core/hub_fields.h"
#include "braid/models/registry.h"

namespace braid::models {

struct TransformersModel {
  std::string architecture;            // a name of the registry
  Json config = Json::object();        // every field of its config struct
  std::vector<std::string> classes{};  // of id2label; may be empty
  std::string problem_type{};          // see HubConfig
};

// Whether the file is of that layout and of a family that the registry has.
bool is_transformers_config(const HubFields& fields);
// The architecture is the family's that has the most fields in common. Throws DataError naming what
// the family cannot be, such as a decoder, and a class of `architectures` that braid has not.
TransformersModel read_transformers_config(const HubFields& fields);
// The names of model_type that are known, sorted.
std::vector<std::string> known_model_types();

// {architectures, model_type, ..., id2label, label2id}: what transformers reads of a model with
// this config; empty where transformers has no such model. classes: names of a classifier's; may be
// empty.
Json transformers_config_to_json(const ModelEntry& entry, const Json& config,
                                 const std::vector<std::string>& classes);

}  // namespace braid::models
