// From a task's config and its images to the model.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/config.h"

namespace braid::tasks {

// How the data is shown to the model. Size: image.img_size, else the data's own up to 64 pixels,
// else the model's. Mean and deviation: the model's own for colour images above 64 pixels, else
// measured on up to 1000 training images. Where config.json lies beside config.weights, it says
// what the model's own is, and its mean and deviation hold for small images too, unless the data
// has other channels.
// statistics: of the training images; null: measured here.
data::InputConfig resolve_input(const TaskConfig& config, const data::Splits& splits,
                                data::SharedStatistics* statistics = nullptr);

// Pixels along the longer side of the first image that can be read. Throws DataError where none of
// the first hundred can.
int64_t image_side(const data::Dataset& dataset);

// Pixels along one side of what the entry's model is shown: img_size, else the data's own (by its
// first image) up to 64 pixels, else the model's, but no more than the largest of a few images,
// rounded up to a multiple of 32.
int64_t input_side(const models::ModelEntry& entry, std::optional<int64_t> img_size,
                   const data::Dataset& dataset);

struct ImageModelOptions {
  int64_t seed = 0;                                              // of the weights' initialization
  std::shared_ptr<data::SharedStatistics> statistics = nullptr;  // of the training images, if kept
};

// The config's model for the data, with the weights of config.weights if given (see
// models::load_weights_to_fine_tune), on the CPU and in the config's memory format.
models::LoadedModel make_image_model(const TaskConfig& config, const data::Splits& splits,
                                     const ImageModelOptions& options, Progress& progress);

// The model that the checkpoint's config.json describes, its weights not yet loaded: for a run that
// goes on. Throws DataError where the data has other classes.
models::LoadedModel restore_image_model(const TaskConfig& config, const data::Splits& splits,
                                        const std::filesystem::path& checkpoint);

// Convolution weights to channels-last memory.
void to_channels_last(torch::nn::Module& module);

}  // namespace braid::tasks
