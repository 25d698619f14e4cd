// Parts of a data set that hold every class in its share.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "braid/data/dataset.h"

namespace braid::data {

// Positions of about `fraction` of every class in a seeded choice, and the rest, both in order: the
// choice of a smaller fraction lies within that of a larger one. A class of one example goes
// to `single`. labels: of each example, 0 to classes - 1.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_labels(
    const std::vector<int64_t>& labels, int64_t classes, double fraction, int64_t seed,
    Single single = Single::kFirst);

}  // namespace braid::data
