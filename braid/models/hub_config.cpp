#include "braid/models/hub_config.h"

#include <fmt/format.h>

#include <numeric>
#include <set>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/validate.h"
#include "braid/models/weights.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
constexpr const char* kComponent = "checkpoint";

bool is_drop_rate(const std::string& field) {
  return field.find("drop") != std::string::npos && field.ends_with("_rate");
}

// A name as a string, several as a list, as timm has it.
Json one_or_list(const std::vector<std::string>& names) {
  if (names.empty()) return nullptr;
  return names.size() == 1 ? Json(names[0]) : Json(names);
}

// What timm's constructor must be told to build the same model; drop rates are a run's own matter.
Json constructor_args(const ModelEntry& entry, const Json& config) {
  Json args = {{"num_classes", config.at("num_classes")}, {"in_chans", config.at("in_chans")}};
  if (entry.fixed_input_size) args["img_size"] = config.at("img_size");
  for (const auto& [field, value] : config.items())
    if (field != "img_size" && !args.contains(field) && !is_drop_rate(field) &&
        value != entry.config.at(field))
      args[field] = value;
  return args;
}

Json first_convolutions(const Model& model) {
  constexpr size_t kSuffix = 7;  // of ".weight"
  std::vector<std::string> names;
  for (const auto& name : input_convolutions(model))
    if (model.layer_id(name) == 0) names.push_back(name.substr(0, name.size() - kSuffix));
  return one_or_list(names);
}

// The side of the last feature map, where the image size is free and an average follows.
Json pool_size(const ModelEntry& entry, const Model& model, const data::InputConfig& input) {
  if (entry.fixed_input_size || model.global_pool() != "avg") return nullptr;
  const int64_t reduction = model.feature_info().back().reduction;
  return {(input.height + reduction - 1) / reduction, (input.width + reduction - 1) / reduction};
}

// One file's JSON, read field by field; null counts as absent, as in timm.
class Fields {
 public:
  Fields(const Json& json, const std::string& name, const std::string& where)
      : json_(json), where_(where) {
    if (!json.is_object())
      throw DataError(kComponent, fmt::format("expected an object '{}'", name), where);
  }
  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  template <class T>
  T get(const char* key) const {
    try {
      return json_.at(key).get<T>();
    } catch (const Json::exception&) {
      throw DataError(kComponent,
                      fmt::format("expected a valid '{}', got {}", key,
                                  json_.contains(key) ? json_.at(key).dump() : "nothing"),
                      where_);
    }
  }
  template <class T>
  void read(const char* key, T& value) const {
    if (has(key)) value = get<T>(key);
  }
  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

// One number stands for every channel; another count of them for their mean (timm's rule).
void read_per_channel(const Fields& fields, const char* key, int64_t channels,
                      std::vector<double>& values) {
  if (fields.has(key))
    values = fields.json().at(key).is_number() ? std::vector<double>{fields.get<double>(key)}
                                               : fields.get<std::vector<double>>(key);
  if (values.empty())
    throw DataError(kComponent, fmt::format("expected numbers in '{}'", key), fields.where());
  const auto count = static_cast<size_t>(channels);
  if (values.size() != count) {
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    values.assign(count, sum / static_cast<double>(values.size()));
  }
}

int64_t square(const std::vector<int64_t>& size, const char* key, const std::string& where) {
  if (size.size() != 2 || size[0] < 1 || size[0] != size[1])
    throw DataError(kComponent,
                    fmt::format("expected square images, got '{}' {}", key, Json(size).dump()),
                    where, "braid's models take square images");
  return size[0];
}

// {"3": "cat"} or ["dog", ...] to a list.
std::vector<std::string> label_names(const Fields& fields, const char* key, int64_t num_classes) {
  const Json& names = fields.json().at(key);
  if (!names.is_object()) return fields.get<std::vector<std::string>>(key);
  std::vector<std::string> list;
  for (int64_t k = 0; k < num_classes; ++k) {
    const std::string id = std::to_string(k);
    list.push_back(names.contains(id) && names.at(id).is_string() ? names.at(id).get<std::string>()
                                                                  : id);
  }
  return list;
}

// timm's constructor arguments to fields of the model's config.
Json config_fields(const ModelEntry& entry, const Fields& args) {
  // Without effect at the size the model is built for: braid pads and takes any size anyway.
  static const std::set<std::string> kWithoutEffect = {"dynamic_img_size", "dynamic_img_pad",
                                                       "strict_img_size"};
  Json fields = Json::object();
  for (const auto& [name, value] : args.json().items()) {
    if (value.is_null() || kWithoutEffect.contains(name)) continue;
    if (name == "global_pool" && !entry.config.contains(name)) continue;  // compared by load_model
    if (name == "img_size" && value.is_array())
      fields[name] = square(args.get<std::vector<int64_t>>("img_size"), "img_size", args.where());
    else
      fields[name] = value;
  }
  return fields;
}

// Before anything of that size is made; the model's own check comes later.
void expect_range(const char* field, int64_t value, int64_t low, int64_t high,
                  const std::string& where) {
  if (value < low || value > high)
    throw DataError(kComponent,
                    fmt::format("expected {} between {} and {}, got {}", field, low, high, value),
                    where);
}

void read_input(const Fields& pretrained, HubConfig& card) {
  auto& input = card.input;
  if (pretrained.has("input_size")) {
    const auto size = pretrained.get<std::vector<int64_t>>("input_size");
    if (size.size() != 3 || size[0] < 1)
      throw DataError(kComponent, "expected 'input_size' to be [channels, height, width]",
                      pretrained.where());
    input.channels = size[0];
    input.height = input.width = square({size[1], size[2]}, "input_size", pretrained.where());
  }
  const Fields args(card.model_args, "model_args", pretrained.where());
  args.read("in_chans", input.channels);
  args.read("img_size", input.height);
  input.width = input.height;
  expect_range("in_chans", input.channels, 1, kMaxChannels, pretrained.where());
  expect_range("img_size", input.height, 1, kMaxImageSize, pretrained.where());
  read_per_channel(pretrained, "mean", input.channels, input.mean);
  read_per_channel(pretrained, "std", input.channels, input.std);
  pretrained.read("crop_pct", input.crop_pct);
  pretrained.read("crop_mode", input.crop_mode);
  pretrained.read("interpolation", input.interpolation);
  try {
    data::validate(input);
  } catch (const ConfigError& e) {
    throw DataError(kComponent, e.what(), pretrained.where());
  }
}

[[noreturn]] void refuse_transformers(const Fields& fields) {
  const auto word = [&](const char* key) {
    if (!fields.has(key)) return std::string();
    return " " + fields.json().at(key).dump();
  };
  throw DataError(kComponent,
                  fmt::format("expected timm's config.json with 'architecture', got one of Hugging "
                              "Face transformers:{}{}",
                              word("model_type"), word("architectures")),
                  fields.where(),
                  "name the architecture and the file yourself, --model NAME --weights "
                  "FILE.safetensors; its tensors must have timm's names");
}

}  // namespace

HubConfig make_hub_config(const std::string& name, const Model& model) {
  const auto& entry = find_model(name);
  const Json config = model.config();
  HubConfig card;
  card.architecture = entry.name;
  card.tag = tag_of(name);
  card.model_args = config;
  card.input = entry.input;
  card.input.channels = config.at("in_chans").get<int64_t>();
  card.input.height = card.input.width = config.at("img_size").get<int64_t>();
  const Json nothing = Json::object();
  const Fields fields(nothing, "", "");
  read_per_channel(fields, "mean", card.input.channels, card.input.mean);
  read_per_channel(fields, "std", card.input.channels, card.input.std);
  return card;
}

Json hub_config_to_json(const HubConfig& card, const Model& model) {
  const auto& entry = find_model(card.architecture);
  const auto& input = card.input;
  const Json config = model.config();
  Json json;
  json["architecture"] = card.architecture;
  json["num_classes"] = config.at("num_classes");
  json["num_features"] = model.num_features();
  if (!model.global_pool().empty()) json["global_pool"] = model.global_pool();
  if (!card.classes.empty()) json["label_names"] = card.classes;
  json["model_args"] = constructor_args(entry, config);
  Json pretrained = {{"custom_load", false},
                     {"input_size", {input.channels, input.height, input.width}},
                     {"fixed_input_size", entry.fixed_input_size},
                     {"interpolation", input.interpolation},
                     {"crop_pct", input.crop_pct},
                     {"crop_mode", input.crop_mode},
                     {"mean", input.mean},
                     {"std", input.std},
                     {"num_classes", config.at("num_classes")},
                     {"pool_size", pool_size(entry, model, input)},
                     {"first_conv", first_convolutions(model)},
                     {"classifier", one_or_list(model.classifier())}};
  if (!card.tag.empty()) pretrained["tag"] = card.tag;
  json["pretrained_cfg"] = pretrained;
  json["braid"] = {{"version", version()}, {"format", 1}, {"config", config}};
  return json;
}

HubConfig read_hub_config(const fs::path& file) {
  const Json json = read_json(file);
  const Fields fields(json, "config.json", file.string());
  if (!fields.has("architecture") && (fields.has("model_type") || fields.has("architectures")))
    refuse_transformers(fields);
  HubConfig card;
  const auto name = fields.get<std::string>("architecture");
  // Another file is no architecture, wherever this one came from.
  if (name.ends_with(".toml"))
    throw DataError(kComponent, "expected a name or a braidnet line, got '" + name + "'",
                    file.string());
  const ModelEntry* entry = nullptr;
  try {
    entry = &find_model(name);
  } catch (const Error& e) {
    throw DataError(kComponent, e.what(), file.string());
  }
  card.architecture = entry->name;
  card.tag = tag_of(name);
  card.input = entry->input;
  // timm's older files have the fields of pretrained_cfg at the top.
  const Fields pretrained(fields.has("pretrained_cfg") ? json.at("pretrained_cfg") : json,
                          "pretrained_cfg", file.string());
  pretrained.read("tag", card.tag);
  card.model_args = Json::object();
  if (fields.has("model_args")) {
    const Fields args(json.at("model_args"), "model_args", file.string());
    card.model_args = config_fields(*entry, args);
    if (!entry->config.contains("global_pool")) args.read("global_pool", card.global_pool);
  }
  if (fields.has("braid")) {
    const Fields own(json.at("braid"), "braid", file.string());
    card.model_args = own.get<Json>("config");
  } else if (!card.model_args.contains("num_classes")) {
    int64_t classes = entry->config.at("num_classes").get<int64_t>();
    pretrained.read("num_classes", classes);
    fields.read("num_classes", classes);
    card.model_args["num_classes"] = classes;
  }
  read_input(pretrained, card);
  card.model_args["in_chans"] = card.input.channels;
  card.model_args["img_size"] = card.input.height;
  const Fields args(card.model_args, "config", file.string());
  const auto num_classes = args.get<int64_t>("num_classes");
  expect_range("num_classes", num_classes, 0, kMaxClasses, file.string());
  for (const auto* place : {&fields, &pretrained})
    for (const char* key : {"label_names", "labels"})
      if (card.classes.empty() && place->has(key))
        card.classes = label_names(*place, key, num_classes);
  if (static_cast<int64_t>(card.classes.size()) > num_classes)
    throw DataError(kComponent,
                    fmt::format("expected at most {} label names, one per class, got {}",
                                num_classes, card.classes.size()),
                    file.string());
  return card;
}

std::optional<HubConfig> find_hub_config(const fs::path& weights) {
  if (!io::is_folder(weights) || !io::file_exists(weights / "config.json")) return std::nullopt;
  return read_hub_config(weights / "config.json");
}

}  // namespace braid::models
