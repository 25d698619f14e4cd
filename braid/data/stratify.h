// Parts of a data set that hold every class in its share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace braid::data {

// Of each example of a data set, of whatever kind.
template <class Dataset>
std::vector<int64_t> labels_of(const Dataset& dataset) {
  std::vector<int64_t> labels(static_cast<size_t>(dataset.size()));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = dataset.label(static_cast<int64_t>(i));
  return labels;
}

// Of each class.
template <class Dataset>
std::vector<int64_t> count_labels(const Dataset& dataset) {
  std::vector<int64_t> counts(dataset.classes().size());
  for (int64_t i = 0; i < dataset.size(); ++i) ++counts.at(static_cast<size_t>(dataset.label(i)));
  return counts;
}

// Where the only example of a class goes.
enum class Lone { kFirst, kRest };

// Positions of about `fraction` of every class in a seeded choice, and the rest, both in order: the
// choice of a smaller fraction lies within that of a larger one. labels: of each example, 0 to
// classes - 1.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_labels(
    const std::vector<int64_t>& labels, int64_t classes, double fraction, int64_t seed,
    Lone lone = Lone::kFirst);

// The positions in `folds` parts of a seeded choice, each in order, for cross-validation: every
// class is spread evenly over them, and their sizes differ by one at most. The only example of a
// class is in none.
std::vector<std::vector<int64_t>> fold_labels(const std::vector<int64_t>& labels, int64_t classes,
                                              int64_t folds, int64_t seed);

// The positions below `size` that `taken`, which is in order, lacks.
std::vector<int64_t> all_but(const std::vector<int64_t>& taken, int64_t size);

}  // namespace braid::data
