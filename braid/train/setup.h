// From a run's config and data to its model.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/train/config.h"

namespace braid::train {

// How the data is shown to the model. Size: config.img_size, else the data's own up to 64 pixels,
// else the model's. Mean and deviation: the model's own for colour images above 64 pixels, else
// measured on up to 1000 training images. Where config.json lies beside config.weights, it says
// what the model's own is, and its mean and deviation hold for small images too, unless the data
// has other channels.
data::InputConfig resolve_input(const TrainConfig& config, const data::Splits& splits);

struct RunModel {
  models::ImageModelPtr model;
  models::ImageHubConfig card;
};
// The config's model for the data, with the weights of config.weights if given (see
// models::load_weights_to_fine_tune), on the config's device and in its memory format, with
// config.freeze's layers frozen.
RunModel make_run_model(const TrainConfig& config, const data::Splits& splits, Progress& progress);

// Convolution weights to channels-last memory.
void to_channels_last(torch::nn::Module& module);

}  // namespace braid::train
