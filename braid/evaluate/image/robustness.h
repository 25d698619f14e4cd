// How a model's accuracy holds when its images get worse.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/transforms.h"
#include "braid/evaluate/result.h"
#include "braid/models/vision/image_model.h"

namespace braid::evaluate {

constexpr double kRobustnessPasses = 34;  // over its images: 6 x 5 corruptions, 3 grids, none

struct RobustnessOptions {
  int64_t images = 500;  // a stratified, seeded sample of the dataset; 0: all of it
  std::vector<int64_t> grids = {1, 2, 4, 7};  // of the shuffled patches
  int64_t seed = 0;
  int64_t batch_size = 128;
  int64_t workers = 2;                  // threads that corrupt images
  std::string dtype = "float32";        // float32, bfloat16, auto
  std::string on_bad_sample = "error";  // error, skip
};

// Corrupts after the resize to the model's input, so that severities mean the same whatever the
// size of the files. Every model sees the same images, corrupted by the same seeds,
// whatever else was left out. Throws
// DataError when an image cannot be read and is not to be skipped, or none can.
Robustness measure_robustness(models::ImageModel& model, const data::DatasetPtr& dataset,
                              const data::InputConfig& input, const RobustnessOptions& options,
                              Progress& progress);

}  // namespace braid::evaluate
