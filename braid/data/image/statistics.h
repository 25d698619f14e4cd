// Mean and deviation of a dataset's pixels, by channel.
#pragma once
#include <mutex>
#include <vector>

#include "braid/data/dataset.h"

namespace braid::data {

struct ChannelStatistics {
  std::vector<double> mean, std;  // of values from 0 to 1, rounded to four digits
};

// Of up to 1000 images spread over the dataset; those that cannot be read are left out.
ChannelStatistics measure_statistics(const Dataset& dataset);

// The same for those who ask again and again: measured when first asked. Thread-safe.
class Statistics {
 public:
  explicit Statistics(DatasetPtr dataset) : dataset_(std::move(dataset)) {}
  const ChannelStatistics& get() const;

 private:
  DatasetPtr dataset_;
  mutable std::once_flag once_;
  mutable ChannelStatistics measured_;
};

}  // namespace braid::data
