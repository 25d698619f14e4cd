// Mean and deviation of a dataset's pixels.
#pragma once
#include <mutex>
#include <optional>
#include <vector>

#include "braid/data/dataset.h"

namespace braid::data {

struct PixelStatistics {
  std::vector<double> mean, std;  // of pixels in [0, 1], one per channel, rounded to four digits
};
// On up to 1000 images, spread over the dataset; those that cannot be read are left out.
PixelStatistics measure_statistics(const Dataset& dataset);

// The same, measured when it is first asked for. Who opens data for several trainings keeps one, so
// that it is measured once. From any thread.
class SharedStatistics {
 public:
  explicit SharedStatistics(DatasetPtr dataset) : dataset_(std::move(dataset)) {}
  const PixelStatistics& get();

 private:
  DatasetPtr dataset_;
  std::mutex mutex_;
  std::optional<PixelStatistics> measured_;
};

}  // namespace braid::data
