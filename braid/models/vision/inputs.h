// The inputs that families of models were designed for, and the registry's entries of such models.
#pragma once
#include <string>

#include "braid/data/image/input_config.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

// ImageNet's mean and standard deviation.
data::InputConfig imagenet_input(int64_t size, double crop_pct,
                                 const std::string& interpolation = "bicubic");
// Mean and deviation 0.5, as Google's ViTs have it.
data::InputConfig inception_input(int64_t size, double crop_pct);
// CIFAR-10's mean and deviation; the whole image, not a crop.
data::InputConfig small_image_input(int64_t size);

// The fields of timm's pretrained_cfg about the input: input_size [C,H,W], fixed_input_size
// (whether the reference's constructor takes img_size), interpolation, crop_pct, crop_mode, mean,
// std.
Json image_preprocessing(const data::InputConfig& input, bool fixed_input_size);
// Back from an entry's preprocessing. Throw UsageError where it is no image model's.
data::InputConfig image_input(const ModelEntry& entry);
bool has_fixed_input_size(const ModelEntry& entry);

// An image model's entry. The image size of all but CNNs is fixed, unless the config struct says
// otherwise in a `static constexpr bool kFixedInputSize`.
template <class ModelImpl, class Config>
ModelEntry make_entry(const std::string& name, Family family, Fusion fusion,
                      const data::InputConfig& input, const Config& variant) {
  bool fixed_input_size = family != Family::kCnn;
  if constexpr (requires { Config::kFixedInputSize; }) fixed_input_size = Config::kFixedInputSize;
  return make_entry<ModelImpl>(name, family, fusion, image_preprocessing(input, fixed_input_size),
                               variant);
}

}  // namespace braid::models
