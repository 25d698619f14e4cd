#include "braid/data/stratify.h"

#include <algorithm>
#include <cmath>

#include "braid/data/random.h"

namespace braid::data {
namespace {

// Of each class, in a seeded order.
std::vector<std::vector<int64_t>> shuffled_by_class(const std::vector<int64_t>& labels,
                                                    int64_t classes, int64_t seed) {
  std::vector<std::vector<int64_t>> by_class(static_cast<size_t>(classes));
  for (size_t i = 0; i < labels.size(); ++i)
    by_class.at(static_cast<size_t>(labels[i])).push_back(static_cast<int64_t>(i));
  for (size_t c = 0; c < by_class.size(); ++c) {
    Random random(static_cast<uint64_t>(seed), 0x5917, c);
    random.shuffle(by_class[c]);
  }
  return by_class;
}

}  // namespace

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_labels(
    const std::vector<int64_t>& labels, int64_t classes, double fraction, int64_t seed, Lone lone) {
  std::vector<int64_t> first, rest;
  for (const auto& indices : shuffled_by_class(labels, classes, seed)) {
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

std::vector<std::vector<int64_t>> fold_labels(const std::vector<int64_t>& labels, int64_t classes,
                                              int64_t folds, int64_t seed) {
  std::vector<std::vector<int64_t>> parts(static_cast<size_t>(folds));
  size_t next = 0;  // the classes go on where the one before ended, so that the parts stay alike
  for (const auto& indices : shuffled_by_class(labels, classes, seed)) {
    if (indices.size() < 2) continue;
    for (const int64_t i : indices) parts[next++ % parts.size()].push_back(i);
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

std::vector<int64_t> all_but(const std::vector<int64_t>& taken, int64_t size) {
  std::vector<int64_t> rest;
  auto next = taken.begin();
  for (int64_t i = 0; i < size; ++i)
    if (next != taken.end() && *next == i)
      ++next;
    else
      rest.push_back(i);
  return rest;
}

}  // namespace braid::data
