#include "braid/models/vision/pretrained_cfg.h"

#include <fmt/format.h>

#include <numeric>
#include <set>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

// A name as a string, several as a list, as timm has it.
Json one_or_list(const std::vector<std::string>& names) {
  if (names.empty()) return nullptr;
  return names.size() == 1 ? Json(names[0]) : Json(names);
}

// What timm's constructor must be told to build the same model. changed: the fields that differ
// from the architecture's own.
Json constructor_args(const ModelEntry& entry, const ImageModel& model, const Json& changed) {
  Json args = {{"num_classes", model.num_classes()}, {"in_chans", model.in_chans()}};
  if (has_fixed_input_size(entry)) args["img_size"] = model.img_size();
  for (const auto& [field, value] : changed.items())
    if (field != "img_size" && !args.contains(field)) args[field] = value;
  return args;
}

Json first_convolutions(const ImageModel& model) {
  constexpr size_t kSuffix = 7;  // of ".weight"
  std::vector<std::string> names;
  for (const auto& name : model.input_weights())
    if (model.layer_id(name) == 0) names.push_back(name.substr(0, name.size() - kSuffix));
  return one_or_list(names);
}

// The side of the last feature map, where the image size is free and an average follows.
Json pool_size(const ModelEntry& entry, const ImageModel& model, const data::InputConfig& input) {
  if (has_fixed_input_size(entry) || model.global_pool() != "avg") return nullptr;
  const int64_t reduction = model.feature_info().back().reduction;
  return {(input.height + reduction - 1) / reduction, (input.width + reduction - 1) / reduction};
}

// One number stands for every channel; another count of them for their mean (timm's rule).
std::vector<double> per_channel(std::vector<double> values, int64_t channels) {
  const auto count = static_cast<size_t>(channels);
  if (values.size() == count) return values;
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return std::vector<double>(count, sum / static_cast<double>(values.size()));
}

// timm takes null in these for its own default, whatever the architecture has.
void read_nulls(const HubFields& fields, data::InputConfig& input) {
  const auto is_null = [&](const char* key) {
    return fields.json().contains(key) && fields.json().at(key).is_null();
  };
  const data::InputConfig timms;
  if (is_null("crop_pct")) input.crop_pct = timms.crop_pct;
  if (is_null("crop_mode")) input.crop_mode = timms.crop_mode;
  if (is_null("interpolation")) input.interpolation = timms.interpolation;
  if (is_null("mean")) input.mean = timms.mean;
  if (is_null("std")) input.std = timms.std;
}

void read_per_channel(const HubFields& fields, const char* key, int64_t channels,
                      std::vector<double>& values) {
  if (fields.has(key))
    values = fields.json().at(key).is_number() ? std::vector<double>{fields.get<double>(key)}
                                               : fields.get<std::vector<double>>(key);
  if (values.empty()) fields.fail(fmt::format("expected numbers in '{}'", key));
  values = per_channel(std::move(values), channels);
}

int64_t square(const HubFields& fields, const char* key, const std::vector<int64_t>& size) {
  if (size.size() != 2 || size[0] < 1 || size[0] != size[1])
    fields.fail(fmt::format("expected square images, got '{}' {}", key, Json(size).dump()),
                "braid's models take square images");
  return size[0];
}

// timm's constructor arguments to fields of the model's config.
Json config_fields(const HubFields& args) {
  // Without effect at the size the model is built for: braid pads and takes any size anyway.
  // global_pool is compared when the model is loaded.
  static const std::set<std::string> kNoFields = {"dynamic_img_size", "dynamic_img_pad",
                                                  "strict_img_size", "global_pool"};
  Json fields = Json::object();
  for (const auto& [name, value] : args.json().items()) {
    if (kNoFields.contains(name)) continue;
    if (name == "img_size" && value.is_array())
      fields[name] = square(args, "img_size", args.get<std::vector<int64_t>>("img_size"));
    else
      fields[name] = value;
  }
  return fields;
}

void read_input(const HubFields& pretrained, ImageHubConfig& hub) {
  auto& input = hub.input;
  if (pretrained.has("input_size")) {
    const auto size = pretrained.get<std::vector<int64_t>>("input_size");
    if (size.size() != 3 || size[0] < 1)
      pretrained.fail("expected 'input_size' to be [channels, height, width]");
    input.channels = size[0];
    input.height = input.width = square(pretrained, "input_size", {size[1], size[2]});
  }
  const HubFields args(hub.model_args, "model_args", pretrained.where());
  args.read("in_chans", input.channels);
  args.read("img_size", input.height);
  input.width = input.height;
  args.expect_range("in_chans", input.channels, 1, kMaxChannels);
  args.expect_range("img_size", input.height, 1, kMaxImageSize);
  read_nulls(pretrained, input);
  read_per_channel(pretrained, "mean", input.channels, input.mean);
  read_per_channel(pretrained, "std", input.channels, input.std);
  pretrained.read("crop_pct", input.crop_pct);
  pretrained.read("crop_mode", input.crop_mode);
  pretrained.read("interpolation", input.interpolation);
  try {
    data::validate(input);
  } catch (const ConfigError& e) {
    pretrained.fail(e.what());
  }
}

}  // namespace

ImageHubConfig make_image_hub_config(const std::string& name, const ImageModel& model) {
  ImageHubConfig hub{make_hub_config(name, model), image_input(find_model(name)), {}};
  hub.input.channels = model.in_chans();
  hub.input.height = hub.input.width = model.img_size();
  hub.input.mean = per_channel(hub.input.mean, hub.input.channels);
  hub.input.std = per_channel(hub.input.std, hub.input.channels);
  return hub;
}

Json image_hub_config_to_json(const ImageHubConfig& hub, const ImageModel& model) {
  const auto entry = find_model(hub.architecture);
  const Json common = hub_config_to_json(hub, model);
  Json json;
  json["architecture"] = common.at("architecture");
  json["num_classes"] = model.num_classes();
  json["num_features"] = model.num_features();
  if (!model.global_pool().empty()) json["global_pool"] = model.global_pool();
  if (common.contains("label_names")) json["label_names"] = common.at("label_names");
  json["model_args"] = constructor_args(entry, model, common.at("model_args"));
  Json pretrained = {{"custom_load", false}};
  pretrained.update(image_preprocessing(hub.input, has_fixed_input_size(entry)));
  pretrained["num_classes"] = model.num_classes();
  pretrained["pool_size"] = pool_size(entry, model, hub.input);
  pretrained["first_conv"] = first_convolutions(model);
  pretrained["classifier"] = one_or_list(model.head_modules());
  if (!hub.tag.empty()) pretrained["tag"] = hub.tag;
  json["pretrained_cfg"] = pretrained;
  json["braid"] = common.at("braid");
  return json;
}

ImageHubConfig read_image_hub_config(const fs::path& file) {
  const HubFields fields(read_json(file), "config.json", file.string());
  ImageHubConfig hub{read_hub_config(fields), {}, {}};
  try {
    hub.input = image_input(find_model(hub.architecture));
  } catch (const UsageError& e) {
    fields.fail(e.what());
  }
  if (fields.has("model_args")) fields.object("model_args").read("global_pool", hub.global_pool);
  if (!fields.has("braid"))
    hub.model_args = config_fields(HubFields(hub.model_args, "model_args", file.string()));
  read_input(pretrained_fields(fields), hub);
  hub.model_args["in_chans"] = hub.input.channels;
  hub.model_args["img_size"] = hub.input.height;
  return hub;
}

std::optional<ImageHubConfig> find_image_hub_config(const fs::path& weights) {
  if (!io::is_folder(weights) || !io::file_exists(weights / "config.json")) return std::nullopt;
  return read_image_hub_config(weights / "config.json");
}

}  // namespace braid::models
