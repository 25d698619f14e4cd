// What simple classifiers make of the images: the bar that a network has to clear.
#pragma once
#include <cstdint>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct ReferenceOptions {
  double seconds = 10;  // at most for each that is trained
  int64_t seed = 0;
  int64_t workers = 2;
  std::string on_bad_sample = "error";
};

// Tested on all of `test`, the best first:
//   majority  the most frequent class of train
//   linear    softmax regression on the pixels
//   nearest   the class of the nearest training image, by squared distance of the pixels
// Images are shrunk to at most 28 pixels (24 and 16 where that would be too much), and the training
// images are a stratified part where they are too many for the time.
// statistics: of train's pixels.
References measure_references(const data::DatasetPtr& train, const data::DatasetPtr& test,
                              const data::PixelStatistics& statistics,
                              const ReferenceOptions& options, Progress& progress);

}  // namespace braid::evaluate
