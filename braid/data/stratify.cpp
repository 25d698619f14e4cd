#include "braid/data/stratify.h"

#include <algorithm>
#include <cmath>

#include "braid/data/random.h"

namespace braid::data {

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_labels(
    const std::vector<int64_t>& labels, int64_t classes, double fraction, int64_t seed, Lone lone) {
  std::vector<std::vector<int64_t>> by_class(static_cast<size_t>(classes));
  for (size_t i = 0; i < labels.size(); ++i)
    by_class.at(static_cast<size_t>(labels[i])).push_back(static_cast<int64_t>(i));
  std::vector<int64_t> first, rest;
  for (size_t c = 0; c < by_class.size(); ++c) {
    auto& indices = by_class[c];
    Random random(static_cast<uint64_t>(seed), 0x5917, c);
    random.shuffle(indices);
    const auto n = static_cast<int64_t>(indices.size());
    // Half an example rounds up: a class of two or more is in both parts.
    int64_t take = static_cast<int64_t>(std::lround(static_cast<double>(n) * fraction));
    if (n > 0 && fraction > 0) take = std::max<int64_t>(take, 1);
    if (n > 1 && fraction < 1) take = std::min(take, n - 1);
    if (n == 1 && lone == Lone::kRest) take = 0;
    first.insert(first.end(), indices.begin(), indices.begin() + take);
    rest.insert(rest.end(), indices.begin() + take, indices.end());
  }
  std::sort(first.begin(), first.end());
  std::sort(rest.begin(), rest.end());
  return {first, rest};
}

}  // namespace braid::data
