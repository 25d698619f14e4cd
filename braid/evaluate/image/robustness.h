// How a model's accuracy holds when its images get worse.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/transforms.h"
#include "braid/models/model.h"

namespace braid::evaluate {

struct RobustnessOptions {
  int64_t images = 500;  // a stratified, seeded sample of the dataset; 0: all of it
  std::vector<int64_t> grids = {1, 2, 4, 7};  // of the shuffled patches
  int64_t seed = 0;
  int64_t batch_size = 128;
  int64_t workers = 2;                  // threads that harm images
  std::string dtype = "float32";        // float32, bfloat16, auto
  std::string on_bad_sample = "error";  // error, skip
};

struct CorruptedAccuracy {
  std::string corruption;
  int64_t severity = 0;  // 1 to 5
  double top1 = 0;       // percent
};
struct ShuffledAccuracy {
  int64_t grid = 1;  // the image is cut into grid x grid patches
  double top1 = 0;   // percent
};
struct Robustness {
  int64_t images = 0;     // evaluated on
  double clean_top1 = 0;  // percent, of these images unharmed
  std::vector<CorruptedAccuracy> corrupted;
  std::vector<ShuffledAccuracy> shuffled;  // grids finer than the pixels are left out
};

// Corrupts after the resize to the model's input, so that severities mean the same whatever the
// size of the files. Every model sees the same images, corrupted by the same seeds. Throws
// DataError when an image cannot be read and is not to be skipped, or none can.
Robustness measure_robustness(models::Model& model, const data::DatasetPtr& dataset,
                              const data::InputConfig& input, const RobustnessOptions& options,
                              Progress& progress);

}  // namespace braid::evaluate
