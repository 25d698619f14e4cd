#include "braid/export/calibration_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace braid::onnx {

std::vector<int64_t> choose_positions(int64_t size, int64_t count, int64_t seed) {
  std::vector<int64_t> positions(static_cast<size_t>(size));
  std::iota(positions.begin(), positions.end(), 0);
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  for (size_t i = positions.size(); i > 1; --i)
    std::swap(positions[i - 1], positions[random() % i]);
  positions.resize(static_cast<size_t>(std::min(size, count)));
  return positions;
}

torch::Tensor mapped_labels(const torch::Tensor& labels, const torch::Tensor& classes) {
  const auto mapped = classes.index_select(0, labels.clamp_min(0).flatten()).view_as(labels);
  return torch::where(labels.ge(0), mapped, labels);
}

CalibrationData with_remarks(CalibrationData data, const std::string& items, Progress& progress) {
  constexpr int64_t kFew = 64;  // below, ranges are guesses
  int64_t count = 0;
  for (const auto& batch : data.calibration) count += batch.size();
  if (count < kFew)
    data.remarks.push_back(
        fmt::format("{} {} calibrate: few; ranges are surer with some hundred.", count, items));
  for (const auto& line : data.remarks) progress.line(line);
  return data;
}

}  // namespace braid::onnx
