// How far a run has come, and when it ends.
#pragma once
#include <cstdint>
#include <string>

#include "braid/train/config.h"
#include "braid/train/state.h"

namespace braid::train {

struct Budget {
  explicit Budget(const RunConfig& config)
      : epochs(config.epochs),
        max_train_seconds(config.max_train_seconds),
        max_steps(config.max_steps) {}

  // Whether time or steps decide, not the epochs.
  bool open_ended() const { return max_train_seconds > 0 || max_steps > 0; }
  // Epochs done, fractional, as the schedule wants them: under a budget of time or steps the spent
  // share of it decides.
  double position(const TrainState& state, int64_t batches_per_epoch) const;
  // Whether an epoch's end is worth an evaluation and a checkpoint: the passes over a small data
  // set are many, and under a budget of time or steps a fiftieth of it lies between two of them.
  bool evaluation_due(const TrainState& state) const;
  // Why the run ends here: "time" or "steps"; empty: it goes on.
  std::string spent(const TrainState& state) const;

  int64_t epochs;
  double max_train_seconds;
  int64_t max_steps;
};

}  // namespace braid::train
