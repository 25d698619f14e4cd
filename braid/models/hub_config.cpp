#include "braid/models/hub_config.h"

#include <fmt/ranges.h>

#include "braid/core/version.h"
#include "braid/models/registry.h"
#include "braid/models/transformers_config.h"
#include "braid/models/validate.h"

namespace braid::models {
namespace {

constexpr const char* kTextPairs = "text_pairs";
constexpr const char* kProblemType = "problem_type";

bool is_drop_rate(const std::string& field) {
  return field.find("drop") != std::string::npos && field.ends_with("_rate");
}

[[noreturn]] void refuse_transformers(const HubFields& fields) {
  const auto word = [&](const char* key) {
    if (!fields.has(key)) return std::string();
    return " " + fields.json().at(key).dump();
  };
  fields.fail(
      fmt::format("expected timm's config.json with 'architecture', or one of Hugging Face "
                  "transformers with model_type {}, got one of transformers:{}{}",
                  fmt::join(known_model_types(), ", "), word("model_type"), word("architectures")),
      "where its tensors have timm's names, `braid forward NAME --weights "
      "FILE.safetensors --save-weights FOLDER/` makes a checkpoint of them");
}

// ["dog", "cat"], or {"0": "dog", "1": "cat"} as transformers has it, to a list: one per class.
std::vector<std::string> label_names(const HubFields& fields, const char* key,
                                     int64_t num_classes) {
  const Json& names = fields.json().at(key);
  std::vector<std::string> list;
  if (!names.is_object()) list = fields.get<std::vector<std::string>>(key);
  for (size_t k = 0; names.is_object() && k < names.size(); ++k) {
    const auto it = names.find(std::to_string(k));
    if (it == names.end() || !it->is_string())
      fields.fail(fmt::format("expected a name for each of {} classes in '{}', by their numbers, "
                              "got none for {}",
                              num_classes, key, k),
                  "write a list of the names, in the order of the classes");
    list.push_back(it->get<std::string>());
  }
  if (static_cast<int64_t>(list.size()) != num_classes)
    fields.fail(fmt::format("expected {} names in '{}', one per class, got {}", num_classes, key,
                            list.size()),
                "name every class, or leave the names out");
  return list;
}

Json model_args(const ModelEntry& entry, const HubFields& fields, const HubFields& pretrained) {
  if (fields.has("braid")) return fields.object("braid").get<Json>("config");
  Json args = Json::object();
  if (fields.has("model_args")) {
    const HubFields given = fields.object("model_args");
    for (const auto& [name, value] : given.json().items())
      if (!value.is_null()) args[name] = value;
  }
  if (args.contains("num_classes") || !entry.config.contains("num_classes")) return args;
  auto classes = entry.config.at("num_classes").get<int64_t>();
  pretrained.read("num_classes", classes);
  fields.read("num_classes", classes);
  args["num_classes"] = classes;
  return args;
}

}  // namespace

HubConfig make_hub_config(const std::string& name, const Model& model) {
  return {find_model(name).name, tag_of(name), model.config(), {}};
}

Json hub_config_to_json(const HubConfig& hub, const Model& model) {
  const auto entry = find_model(hub.architecture);
  const Json config = model.config();
  Json changed = Json::object();
  for (const auto& [field, value] : config.items())
    if (!is_drop_rate(field) && value != entry.config.at(field)) changed[field] = value;
  Json json = {{"architecture", hub.architecture}};
  if (config.contains("num_classes")) json["num_classes"] = config.at("num_classes");
  if (!hub.classes.empty()) json["label_names"] = hub.classes;
  if (entry.transformers)
    json.update(transformers_config_to_json(entry, config, hub.classes));
  else
    json["model_args"] = changed;
  if (hub.text_pairs) json[kTextPairs] = true;
  if (!hub.problem_type.empty()) json[kProblemType] = hub.problem_type;
  json["braid"] = {{"version", version()}, {"format", 1}, {"config", config}};
  return json;
}

HubConfig read_hub_config(const std::filesystem::path& file) {
  return read_hub_config(HubFields(read_json(file), "config.json", file.string()));
}

HubConfig read_hub_config(const HubFields& fields) {
  if (is_transformers_config(fields)) {
    const auto model = read_transformers_config(fields);
    HubConfig hub{model.architecture, "", model.config, model.classes};
    fields.read(kTextPairs, hub.text_pairs);
    hub.problem_type = model.problem_type;
    return hub;
  }
  if (!fields.has("architecture") && (fields.has("model_type") || fields.has("architectures")))
    refuse_transformers(fields);
  const auto name = fields.get<std::string>("architecture");
  // Another file is no architecture, wherever this one came from.
  if (name.ends_with(".toml"))
    fields.fail("expected a name or a braidnet line, got '" + name + "'");
  const ModelEntry entry = [&] {
    try {
      return find_model(name);
    } catch (const Error& e) {
      fields.fail(e.what());
    }
  }();
  const HubFields pretrained = pretrained_fields(fields);
  HubConfig hub;
  hub.architecture = entry.name;
  hub.tag = tag_of(name);
  pretrained.read("tag", hub.tag);
  fields.read(kTextPairs, hub.text_pairs);
  hub.model_args = model_args(entry, fields, pretrained);
  const HubFields args(hub.model_args, "config", fields.where());
  const char* classes = entry.config.contains("num_labels") ? "num_labels" : "num_classes";
  const int64_t num_classes = entry.config.contains(classes) ? args.get<int64_t>(classes) : 0;
  args.expect_range(classes, num_classes, 0, kMaxClasses);
  for (const auto* place : {&fields, &pretrained})
    for (const char* key : {"label_names", "labels"})
      if (num_classes > 0 && hub.classes.empty() && place->has(key))
        hub.classes = label_names(*place, key, num_classes);
  return hub;
}

HubFields pretrained_fields(const HubFields& fields) {
  return fields.has("pretrained_cfg") ? fields.object("pretrained_cfg") : fields;
}

}  // namespace braid::models
