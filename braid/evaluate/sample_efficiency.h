// What a model makes of less data.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "braid/evaluate/experiment.h"

namespace braid::evaluate {

// Trained again on a share of the data, with that share of the budget.
class SampleEfficiencyProbe final : public Probe {
 public:
  static constexpr const char* kName = "efficiency";
  static constexpr double kFractions[] = {0.1, 0.3};  // of the training data
  // failed: what became of trainings on a share that took their turns already, by run_name().
  SampleEfficiencyProbe(const Experiment& experiment, ModelProfile profile,
                        const std::vector<Failure>& failed)
      : experiment_(experiment), profile_(std::move(profile)), failed_(failed) {}
  std::string name() const override { return kName; }
  // Throws what such a training threw, and does not repeat it.
  void measure(const TrainedRun& run, ModelResult& result) override;

 private:
  const Experiment& experiment_;
  ModelProfile profile_;
  const std::vector<Failure>& failed_;
};

}  // namespace braid::evaluate
