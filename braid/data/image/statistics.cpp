#include "braid/data/image/statistics.h"

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"

namespace braid::data {

PixelStatistics measure_statistics(const Dataset& dataset) {
  constexpr int64_t kImages = 1000;
  constexpr double kLeastDeviation = 0.01;
  const int64_t channels = dataset.channels();
  const auto C = static_cast<size_t>(channels);
  std::vector<double> sum(C, 0), squares(C, 0);
  double count = 0;
  const int64_t stride = std::max<int64_t>(1, dataset.size() / kImages);
  for (int64_t i = 0; i < dataset.size(); i += stride) {
    io::Image image;
    try {
      image = io::convert_channels(dataset.get(i).image, channels);
    } catch (const Error&) {
      continue;  // the loader reports it
    }
    for (size_t k = 0; k < image.pixels.size(); ++k) {
      const double v = image.pixels[k] / 255.0;
      sum[k % C] += v;
      squares[k % C] += v * v;
    }
    count += static_cast<double>(image.height * image.width);
  }
  PixelStatistics out{std::vector<double>(C, 0.5), std::vector<double>(C, 0.5)};
  for (size_t c = 0; c < C && count > 0; ++c) {
    const double mean = sum[c] / count;
    const double deviation = std::sqrt(std::max(0.0, squares[c] / count - mean * mean));
    out.mean[c] = std::round(mean * 1e4) / 1e4;
    out.std[c] = std::max(kLeastDeviation, std::round(deviation * 1e4) / 1e4);
  }
  return out;
}

const PixelStatistics& SharedStatistics::get() {
  const std::lock_guard lock(mutex_);
  if (!measured_) measured_ = measure_statistics(*dataset_);
  return *measured_;
}

}  // namespace braid::data
