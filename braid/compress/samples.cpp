#include "braid/compress/samples.h"

#include <algorithm>

namespace braid::compress {

using torch::Tensor;

int64_t Samples::count() const {
  int64_t count = 0;
  for (const auto& batch : batches) count += batch.at(0).size(0);
  return count;
}

Samples Samples::first(int64_t items) const {
  Samples some{.batches = first_items(batches, items)};
  some.reader = reader;
  for (size_t i = 0; i < some.batches.size(); ++i) {
    const int64_t size = some.batches[i].at(0).size(0);
    if (!labels.empty()) some.labels.push_back(labels[i].slice(0, 0, size));
    if (!asked.empty()) some.asked.push_back(asked[i].slice(0, 0, size));
  }
  return some;
}

std::vector<Inputs> first_items(const std::vector<Inputs>& batches, int64_t count) {
  std::vector<Inputs> some;
  for (const auto& batch : batches) {
    if (count <= 0) break;
    Inputs part;
    for (const auto& input : batch)
      part.push_back(input.slice(0, 0, std::min(count, input.size(0))));
    count -= batch.at(0).size(0);
    some.push_back(std::move(part));
  }
  return some;
}

}  // namespace braid::compress
