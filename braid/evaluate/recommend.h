// Which model to take, and why.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/difference.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct Preference {
  std::string prefer = "accuracy";       // accuracy: the deciding score; latency, size
  std::optional<double> max_latency_ms;  // of one item, median
  std::optional<int64_t> max_params;
  std::string deploy = {};  // the engine by whose figures to choose; empty: LibTorch
};

// Looks at score, latency and parameters of the models that have a score.
// accuracy: the one with the best score; where its difference to others is not proved, the fastest
// of them is taken. It is proved by `difference` where that knows it, else by 95% intervals that do
// not overlap. latency: the fastest, and of those within 5% of it (two timings that close are one)
// the one with the best score. size: the fewest parameters.
// deploy: score, latency and, in place of parameters, the file's size are those of the deployed
// models; where none could be deployed, those of LibTorch, and the reason says so.
// references: where no model beats the best of them, the first sentence says so. difference: of
// the models' own scores, so that it is not asked where deployed ones decide.
Recommendation recommend(const std::vector<ModelResult>& models, const Preference& preference,
                         const std::vector<ReferenceResult>& references = {},
                         const FindDifference& difference = {});
// "at most 5 ms and at most 100000 parameters"; empty: there are none.
std::string limits_text(const Preference& preference);
// Where the speed of some model's turns shows that the machine was disturbed while it trained: the
// sentence that says so, and whether all models lost the same share of their speed (within ten
// points); else empty.
std::string disturbance_text(const std::vector<ModelResult>& models);

// Indices of the models: the recommended one, the others by the preference, best first, those
// beyond a limit after them and those that were not measured last.
std::vector<size_t> rank(const std::vector<ModelResult>& models, const Preference& asked,
                         const Recommendation& recommendation);

}  // namespace braid::evaluate
