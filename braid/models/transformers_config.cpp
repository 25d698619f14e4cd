#include "braid/models/transformers_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "braid/models/validate.h"

namespace braid::models {
namespace {

// What a file may say beside the fields of a config struct and what braid cannot do.
constexpr const char* kForeign[] = {"quantization_config", "pruned_heads"};
// Fields of the config structs that transformers has elsewhere, or not at all.
constexpr const char* kOwnFields[] = {"head", "num_labels"};
constexpr const char* kPadToken = "pad_token_id";  // null in the file, -1 in the struct: none

std::vector<ModelEntry> entries_of(const HubFields& fields) {
  std::vector<ModelEntry> found;
  if (!fields.has("model_type") || !fields.json().at("model_type").is_string()) return found;
  for (const auto& entry : registry().entries())
    if (entry.transformers &&
        entry.transformers->model_type == fields.get<std::string>("model_type"))
      found.push_back(entry);
  return found;
}

void check_fixed(const HubFields& fields, const TransformersNames& names) {
  for (const auto& [field, value] : names.fixed.items())
    if (fields.has(field.c_str()) && fields.json().at(field) != value)
      fields.fail(fmt::format("expected {} {}, got {}", field, value.dump(),
                              fields.json().at(field).dump()),
                  "braid's models of this type have no other");
  for (const char* field : kForeign)
    if (fields.has(field) && !fields.json().at(field).empty())
      fields.fail(fmt::format("expected no '{}'", field), "give weights that are not compressed");
}

// The value of `head` for the file's class.
std::string head_of(const HubFields& fields, const TransformersNames& names) {
  if (!fields.has("architectures")) return "none";
  const auto classes = fields.get<std::vector<std::string>>("architectures");
  if (classes.empty()) return "none";
  std::vector<std::string> known;
  for (const auto& [head, name] : names.classes) {
    if (name == classes[0]) return head;
    known.push_back(name);
  }
  fields.fail(
      fmt::format("expected 'architectures' with {}, got {}", fmt::join(known, ", "), classes[0]));
}

std::vector<std::string> classes_of(const HubFields& fields) {
  std::vector<std::string> classes;
  if (!fields.has("id2label")) return classes;
  const auto labels = fields.object("id2label");
  for (size_t k = 0; k < labels.json().size(); ++k)
    classes.push_back(labels.get<std::string>(std::to_string(k).c_str()));
  return classes;
}

bool is_classifier(const Json& config) {
  return config.contains("head") &&
         config.at("head").get<std::string>().ends_with("classification");
}

// What a classifier's outputs are. As transformers has it where the file does not say: a single one
// is a quantity. A file of braid's says so of all that are no classes.
std::string problem_type_of(const HubFields& fields, const Json& config) {
  constexpr const char* kOneOfTheClasses = "single_label_classification";
  if (config.value("head", "") != "sequence_classification") return "";
  std::string type;
  if (!fields.has("braid") && config.at("num_labels") == 1) type = "regression";
  fields.read("problem_type", type);
  for (const char* known : {"regression", kSeveralLabels})
    if (type == known) return type;
  if (type.empty() || type == kOneOfTheClasses) return "";
  fields.fail("expected a problem_type that transformers has, got '" + type + "'");
}

size_t fields_in_common(const Json& a, const Json& b) {
  size_t count = 0;
  for (const auto& [field, value] : a.items()) count += b.contains(field) && b.at(field) == value;
  return count;
}

}  // namespace

bool is_transformers_config(const HubFields& fields) { return !entries_of(fields).empty(); }

std::vector<std::string> known_model_types() {
  std::set<std::string> types;
  for (const auto& entry : registry().entries())
    if (entry.transformers) types.insert(entry.transformers->model_type);
  return {types.begin(), types.end()};
}

TransformersModel read_transformers_config(const HubFields& fields) {
  const auto entries = entries_of(fields);
  const auto& names = *entries.at(0).transformers;
  check_fixed(fields, names);
  TransformersModel model;
  model.config = names.defaults;
  // What transformers does not know comes from braid, the rest from the file as it is now:
  // transformers keeps braid's part of a file while it changes the others.
  if (fields.has("braid")) {
    const auto own = fields.object("braid").get<Json>("config");
    for (const auto& [field, value] : own.items())
      if (model.config.contains(field)) model.config[field] = value;
  }
  for (const auto& item : names.defaults.items()) {
    const auto& field = item.key();
    if (!fields.json().contains(field)) continue;
    const auto& value = fields.json().at(field);
    if (field == kPadToken && value.is_null())
      model.config[field] = -1;
    else if (!value.is_null() || item.value().is_null())
      model.config[field] = value;
  }
  if (model.config.contains("head")) model.config["head"] = head_of(fields, names);
  if (model.config.contains("num_labels")) {
    model.classes = classes_of(fields);
    if (!model.classes.empty())
      model.config["num_labels"] = model.classes.size();
    else if (is_classifier(model.config) && !fields.has("num_labels"))
      model.config["num_labels"] = names.defaults.at("num_labels");
    model.problem_type = problem_type_of(fields, model.config);
  }
  const auto best = std::max_element(
      entries.begin(), entries.end(), [&](const ModelEntry& a, const ModelEntry& b) {
        return fields_in_common(a.config, model.config) < fields_in_common(b.config, model.config);
      });
  model.architecture = best->name;
  return model;
}

Json transformers_config_to_json(const ModelEntry& entry, const Json& config,
                                 const std::vector<std::string>& classes) {
  if (!entry.transformers) return Json::object();
  const auto& names = *entry.transformers;
  for (const auto& [field, value] : names.fixed.items())
    if (config.contains(field) && config.at(field) != value) return Json::object();
  const auto head = config.contains("head") ? config.at("head").get<std::string>() : "";
  const auto known = std::find_if(names.classes.begin(), names.classes.end(),
                                  [&](const auto& item) { return item.first == head; });
  if (known == names.classes.end()) return Json::object();
  Json json = {{"architectures", {known->second}}, {"model_type", names.model_type}};
  for (const auto& [field, value] : config.items()) {
    const auto* end = std::end(kOwnFields);
    if (std::find(std::begin(kOwnFields), end, field) != end) continue;
    json[field] = field == kPadToken && value == -1 ? Json() : value;
  }
  if (!is_classifier(config)) return json;
  const auto count = config.at("num_labels").get<size_t>();
  for (size_t k = 0; k < count; ++k) {
    const auto label = k < classes.size() ? classes[k] : fmt::format("LABEL_{}", k);
    json["id2label"][std::to_string(k)] = label;
    json["label2id"][label] = k;
  }
  return json;
}

}  // namespace braid::models
