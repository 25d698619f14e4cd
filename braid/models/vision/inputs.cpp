#include "braid/models/vision/inputs.h"

namespace braid::models {

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

}  // namespace braid::models
