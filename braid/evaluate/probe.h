// Something that is measured of every trained model of a comparison.
#pragma once
#include <string>

#include "braid/evaluate/result.h"
#include "braid/evaluate/run.h"

namespace braid::evaluate {

inline constexpr const char* kRobustnessProbe = "robustness";

class Probe {
 public:
  virtual ~Probe() = default;
  virtual std::string name() const = 0;  // as --skip names it
  // Items that go through the model once, for the plan's estimate of time.
  virtual double items() const { return 0; }
  // Fills its part of the result, whose scores are there; nobody else fills that part. run: of the
  // first seed.
  virtual void measure(const TrainedRun& run, ModelResult& result) = 0;
};

}  // namespace braid::evaluate
