#include "braid/models/checkpoint.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/tensor_file.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

Json card_to_json(const ModelCard& card, const Model& model) {
  const auto& input = card.input;
  const Json config = model.config();
  const auto num_classes = config.value("num_classes", int64_t{0});
  Json json;
  json["architecture"] = card.architecture;
  json["num_classes"] = num_classes;
  json["num_features"] = model.num_features();
  json["pretrained_cfg"] = {{"input_size", {input.channels, input.height, input.width}},
                            {"fixed_input_size", false},
                            {"interpolation", input.interpolation},
                            {"crop_pct", input.crop_pct},
                            {"mean", input.mean},
                            {"std", input.std},
                            {"num_classes", num_classes},
                            {"label_names", card.classes},
                            {"classifier", model.classifier()[0]}};
  // What timm's constructors take; braid's own fields stand apart.
  const Json& defaults = find_model(card.architecture).config;
  Json args = Json::object();
  for (const char* key : {"in_chans", "img_size", "inference_mode"})
    if (config.contains(key) && config.at(key) != defaults.at(key)) args[key] = config.at(key);
  json["model_args"] = args;
  json["braid"] = {{"version", version()}, {"format", 1}, {"config", config}};
  return json;
}

// Reads `key` of the type that T needs, or throws naming file and key.
template <class T>
T get(const Json& json, const char* key, const std::string& where) {
  try {
    return json.at(key).get<T>();
  } catch (const Json::exception&) {
    throw DataError("checkpoint",
                    fmt::format("expected a valid '{}', got {}", key,
                                json.contains(key) ? json[key].dump() : "nothing"),
                    where);
  }
}

void check_input(const data::InputConfig& input, const std::string& where) {
  const auto channels = static_cast<size_t>(input.channels);
  if (input.mean.size() != channels || input.std.size() != channels)
    throw DataError("checkpoint",
                    fmt::format("expected {} numbers in 'mean' and in 'std', got {} and {}",
                                channels, input.mean.size(), input.std.size()),
                    where);
  for (const double deviation : input.std)
    if (!(deviation > 0)) throw DataError("checkpoint", "expected 'std' above 0", where);
  if (!(input.crop_pct > 0 && input.crop_pct <= 1))
    throw DataError("checkpoint", "expected 0 < 'crop_pct' <= 1", where);
  if (input.interpolation != "bicubic" && input.interpolation != "bilinear")
    throw DataError(
        "checkpoint",
        "expected 'interpolation' bicubic or bilinear, got '" + input.interpolation + "'", where);
}

ModelCard read_card(const fs::path& file) {
  const Json json = read_json(file);
  const std::string where = file.string();
  if (!json.is_object()) throw DataError("checkpoint", "expected a JSON object", where);
  ModelCard card;
  card.architecture = get<std::string>(json, "architecture", where);
  const Json pretrained =
      json.contains("pretrained_cfg") ? json.at("pretrained_cfg") : Json::object();
  try {
    card.input = find_model(card.architecture).input;
  } catch (const UsageError& e) {
    throw DataError("checkpoint", e.what(), where);
  }
  if (!pretrained.is_object())
    throw DataError("checkpoint", "expected an object 'pretrained_cfg'", where);
  if (pretrained.contains("input_size")) {
    const auto size = get<std::vector<int64_t>>(pretrained, "input_size", where);
    if (size.size() != 3 || size[0] < 1 || size[1] < 1 || size[2] < 1)
      throw DataError("checkpoint", "expected 'input_size' to be [channels, height, width]", where);
    card.input.channels = size[0];
    card.input.height = size[1];
    card.input.width = size[2];
  }
  if (pretrained.contains("mean"))
    card.input.mean = get<std::vector<double>>(pretrained, "mean", where);
  if (pretrained.contains("std"))
    card.input.std = get<std::vector<double>>(pretrained, "std", where);
  if (pretrained.contains("crop_pct"))
    card.input.crop_pct = get<double>(pretrained, "crop_pct", where);
  if (pretrained.contains("interpolation"))
    card.input.interpolation = get<std::string>(pretrained, "interpolation", where);
  check_input(card.input, where);
  if (pretrained.contains("label_names"))
    card.classes = get<std::vector<std::string>>(pretrained, "label_names", where);
  if (json.contains("braid")) {
    card.model_args = get<Json>(get<Json>(json, "braid", where), "config", where);
  } else {
    card.model_args = json.value("model_args", Json());
    if (card.model_args.is_null()) card.model_args = Json::object();
    if (!card.model_args.is_object())
      throw DataError("checkpoint", "expected an object 'model_args'", where);
    if (json.contains("num_classes"))
      card.model_args["num_classes"] = get<int64_t>(json, "num_classes", where);
  }
  return card;
}

}  // namespace

void save_model(const Model& model, const ModelCard& card, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw IoError("checkpoint", "cannot create the folder: " + error.message(), folder.string());
  save_weights(model, folder / "model.safetensors");
  io::write_file_atomic(folder / "config.json", card_to_json(card, model).dump(2) + "\n");
}

LoadedModel load_model(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  if (!fs::exists(file))
    throw IoError("checkpoint", "expected a folder with config.json and model.safetensors",
                  folder.string(), "give the folder that `braid train --output` wrote");
  LoadedModel loaded;
  loaded.card = read_card(file);
  try {
    loaded.model = create_model(loaded.card.architecture, loaded.card.model_args);
  } catch (const ConfigError& e) {
    throw DataError("checkpoint", e.what(), file.string());
  }
  load_weights(*loaded.model, folder);
  loaded.model->eval();
  return loaded;
}

void load_weights(Model& model, const fs::path& file) {
  load_tensors_into(model, load_tensors(file), file.string());
}

void load_tensors_into(Model& model, const TensorMap& tensors, const std::string& where) {
  auto state = named_state(model);
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors)
    if (!state.contains(name))
      throw DataError("weights", fmt::format("unexpected tensor '{}'", name), where,
                      "is this a checkpoint of another architecture?");
  for (auto& [name, target] : state) {
    const auto it = tensors.find(name);
    if (it == tensors.end()) {
      if (name.ends_with("num_batches_tracked")) continue;  // old checkpoints lack it
      throw DataError("weights", fmt::format("missing tensor '{}'", name), where,
                      "is this a checkpoint of another architecture?");
    }
    const auto loaded = model.fit_weight(name, it->second);
    if (loaded.sizes() != target.sizes())
      throw DataError(
          "weights",
          fmt::format("expected shape [{}] for tensor '{}', got [{}]",
                      fmt::join(target.sizes(), ","), name, fmt::join(it->second.sizes(), ",")),
          where, "check --num-classes, --in-chans and --img-size");
    target.copy_(loaded);
  }
}

void save_weights(const Model& model, const fs::path& file) {
  save_tensors(named_state(model), file);
}

}  // namespace braid::models
