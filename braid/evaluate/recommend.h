// Which model to take, and why.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace braid::evaluate {

// What the choice looks at; a model that failed has measured = false.
struct Candidate {
  std::string name;
  bool measured = true;
  double top1 = 0;                     // percent
  double top1_low = 0, top1_high = 0;  // 95% interval, percent
  double latency_ms = 0;               // batch 1, median
  int64_t params = 0;
};

struct Preference {
  std::string prefer = "accuracy";       // accuracy, latency, size
  std::optional<double> max_latency_ms;  // of one image, median
  std::optional<int64_t> max_params;
};

struct Recommendation {
  std::optional<std::string> model;  // none when no model was measured or none meets the limits
  std::string reason;                // one sentence
};

// accuracy: the most accurate; where the 95% intervals of others overlap with its own, the measured
// difference proves nothing and the fastest of them is taken. latency: the fastest, and of those
// within 5% of it (two timings that close are one) the most accurate. size: the fewest parameters.
Recommendation recommend(const std::vector<Candidate>& candidates, const Preference& preference);

// Indices of the candidates, best first under the preference, those beyond a limit after the others
// and those that were not measured last.
std::vector<size_t> rank(const std::vector<Candidate>& candidates, const Preference& preference);

}  // namespace braid::evaluate
