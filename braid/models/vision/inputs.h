// The inputs that families of models were designed for (timm's pretrained_cfg).
#pragma once
#include "braid/data/image/input_config.h"

namespace braid::models {

// ImageNet's mean and standard deviation.
data::InputConfig imagenet_input(int64_t size, double crop_pct,
                                 const std::string& interpolation = "bicubic");
// Mean and deviation 0.5, as Google's ViTs have it.
data::InputConfig inception_input(int64_t size, double crop_pct);
// CIFAR-10's mean and deviation; the whole image, not a crop.
data::InputConfig small_image_input(int64_t size);

}  // namespace braid::models
