// What every task's robustness probe has in common: how the items get worse is the task's.
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "braid/evaluate/probe.h"

namespace braid::evaluate {

// How many of the items are made worse, 0: all.
inline int64_t sampled_items(int64_t asked, int64_t there) {
  return asked > 0 ? std::min(asked, there) : there;
}

class RobustnessProbe final : public Probe {
 public:
  using Measure = std::function<Robustness(const TrainedRun&)>;
  // items: that go through the model, each as often as it does.
  RobustnessProbe(double items, Measure measure) : items_(items), measure_(std::move(measure)) {}
  std::string name() const override { return kRobustnessProbe; }
  double items() const override { return items_; }
  void measure(const TrainedRun& run, ModelResult& result) override {
    result.robustness = measure_(run);
  }

 private:
  double items_;
  Measure measure_;
};

}  // namespace braid::evaluate
