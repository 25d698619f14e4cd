// What a model makes of less data.
#pragma once
#include <string>

#include "braid/evaluate/experiment.h"

namespace braid::evaluate {

// Trained again on a share of the data, with that share of the budget.
class SampleEfficiencyProbe final : public Probe {
 public:
  static constexpr const char* kName = "efficiency";
  static constexpr double kFractions[] = {0.1, 0.3};  // of the training data
  SampleEfficiencyProbe(const Experiment& experiment, ModelProfile profile)
      : experiment_(experiment), profile_(std::move(profile)) {}
  std::string name() const override { return kName; }
  void measure(const TrainedRun& run, ModelResult& result) override;

 private:
  const Experiment& experiment_;
  ModelProfile profile_;
};

}  // namespace braid::evaluate
