// Parts of a data set that hold every class in its share.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace braid::data {

// Where the only example of a class goes.
enum class Lone { kFirst, kRest };

// Positions of about `fraction` of every class in a seeded choice, and the rest, both in order: the
// choice of a smaller fraction lies within that of a larger one. labels: of each example, 0 to
// classes - 1.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_labels(
    const std::vector<int64_t>& labels, int64_t classes, double fraction, int64_t seed,
    Lone lone = Lone::kFirst);

}  // namespace braid::data
