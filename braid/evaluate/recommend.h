// Which model to take, and why.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct Preference {
  std::string prefer = "accuracy";       // accuracy: the deciding score; latency, size
  std::optional<double> max_latency_ms;  // of one item, median
  std::optional<int64_t> max_params;
  std::string deploy = {};  // the engine by whose figures to choose; empty: LibTorch
};

// Looks at score, latency and parameters of the models that have a score.
// accuracy: the one with the best score; where the 95% intervals of others overlap with its own,
// the measured difference proves nothing and the fastest of them is taken. latency: the fastest,
// and of those within 5% of it (two timings that close are one) the one with the best score. size:
// the fewest parameters.
// deploy: score, latency and, in place of parameters, the file's size are those of the deployed
// models; where none could be deployed, those of LibTorch, and the reason says so.
// references: where no model beats the best of them, the first sentence says so.
Recommendation recommend(const std::vector<ModelResult>& models, const Preference& preference,
                         const std::vector<ReferenceResult>& references = {});
// "at most 5 ms and at most 100000 parameters"; empty: there are none.
std::string limits_text(const Preference& preference);
// Where the speed of some model's turns shows that the machine was disturbed while it trained: the
// sentence that says so, and whether all models lost the same share of their speed (within ten
// points); else empty.
std::string disturbance_text(const std::vector<ModelResult>& models);

// Indices of the models, best first under the preference, those beyond a limit after the others
// and those that were not measured last.
std::vector<size_t> rank(const std::vector<ModelResult>& models, const Preference& asked);

}  // namespace braid::evaluate
