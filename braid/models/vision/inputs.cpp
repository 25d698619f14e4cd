#include "braid/models/vision/inputs.h"

#include "braid/core/error.h"

namespace braid::models {
namespace {

const Json& preprocessing_of(const ModelEntry& entry) {
  if (entry.kind != ImageModel::kKind)
    throw UsageError("models", "expected an image model, got '" + entry.name + "', which is " +
                                   with_article(entry.kind));
  return entry.preprocessing;
}

}  // namespace

data::InputConfig imagenet_input(int64_t size, double crop_pct, const std::string& interpolation) {
  return {.height = size, .width = size, .interpolation = interpolation, .crop_pct = crop_pct};
}

data::InputConfig inception_input(int64_t size, double crop_pct) {
  data::InputConfig input = imagenet_input(size, crop_pct);
  input.mean = input.std = {0.5, 0.5, 0.5};
  return input;
}

data::InputConfig small_image_input(int64_t size) {
  data::InputConfig input = imagenet_input(size, 1.0);
  input.mean = {0.4914, 0.4822, 0.4465};
  input.std = {0.2470, 0.2435, 0.2616};
  return input;
}

Json image_preprocessing(const data::InputConfig& input, bool fixed_input_size) {
  return {{"input_size", {input.channels, input.height, input.width}},
          {"fixed_input_size", fixed_input_size},
          {"interpolation", input.interpolation},
          {"crop_pct", input.crop_pct},
          {"crop_mode", input.crop_mode},
          {"mean", input.mean},
          {"std", input.std}};
}

data::InputConfig image_input(const ModelEntry& entry) {
  const Json& json = preprocessing_of(entry);
  return {.channels = json.at("input_size").at(0).get<int64_t>(),
          .height = json.at("input_size").at(1).get<int64_t>(),
          .width = json.at("input_size").at(2).get<int64_t>(),
          .mean = json.at("mean").get<std::vector<double>>(),
          .std = json.at("std").get<std::vector<double>>(),
          .interpolation = json.at("interpolation").get<std::string>(),
          .crop_pct = json.at("crop_pct").get<double>(),
          .crop_mode = json.at("crop_mode").get<std::string>()};
}

bool has_fixed_input_size(const ModelEntry& entry) {
  return preprocessing_of(entry).at("fixed_input_size").get<bool>();
}

}  // namespace braid::models
