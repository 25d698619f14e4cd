#include "braid/compress/sensitivity.h"

#include <algorithm>

namespace braid::compress {

std::vector<Sensitivity> rank_by_sensitivity(const Graph& graph, const Placement& placement,
                                             const Ranges& ranges, const WeightGrids& weights,
                                             const Judge& judge) {
  std::vector<Sensitivity> ranked;
  for (const ValueId unit : placement.units) {
    auto others = placement.units;
    others.erase(unit);
    const auto alone = place(graph, others);
    ranked.push_back({unit, judge.of(insert_qdq(graph, alone, ranges, weights)).kl});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.kl > b.kl; });
  return ranked;
}

}  // namespace braid::compress
