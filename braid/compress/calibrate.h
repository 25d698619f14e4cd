// What values a graph takes on samples.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "braid/compress/placement.h"
#include "braid/compress/ranges.h"
#include "braid/compress/samples.h"

namespace braid::compress {

struct Observation {
  Range range;           // of all finite numbers
  torch::Tensor sample;  // 1-D: some of them, drawn with a fixed seed
};
using Observations = std::map<ValueId, Observation>;

// Runs the graph over the batches. Throws DataError where a value is never finite.
Observations observe(const Graph& graph, const std::vector<Inputs>& batches,
                     const std::set<ValueId>& values);
// The values whose ranges a placement needs.
std::set<ValueId> ranged_values(const Placement& placement);

using Ranges = std::map<ValueId, Range>;
Ranges min_max_ranges(const Observations& observations);
Ranges mse_ranges(const Observations& observations);

}  // namespace braid::compress
