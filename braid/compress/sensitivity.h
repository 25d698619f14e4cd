// Which operators suffer most from 8 bits.
#pragma once
#include <vector>

#include "braid/compress/insert_qdq.h"
#include "braid/compress/quality.h"

namespace braid::compress {

struct Sensitivity {
  ValueId unit = graph::kNoValue;
  double kl = 0;  // of the graph in which it alone is quantized
};

// Every unit of the placement, the most sensitive first; a replay of the judge's samples for each.
std::vector<Sensitivity> rank_by_sensitivity(const Graph& graph, const Placement& placement,
                                             const Ranges& ranges, const WeightGrids& weights,
                                             const Judge& judge);

}  // namespace braid::compress
