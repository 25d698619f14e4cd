// The trainings of a comparison, one by one or in turns.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/experiment.h"
#include "braid/evaluate/peak_memory.h"
#include "braid/evaluate/titled_progress.h"
#include "braid/evaluate/turns.h"
#include "braid/runtime/generator_guard.h"
#include "braid/train/trainer.h"

namespace braid::evaluate {

// The recipe under the budget.
train::RunConfig run_config(const Experiment& experiment, const Run& run,
                            const ModelProfile& profile, const train::Recipe& recipe);

// Passes over the run's training data that the budget affords, by the profile's speed.
double affordable_passes(const Experiment& experiment, const Run& run, const ModelProfile& profile);
// Optimizer steps, likewise.
double affordable_steps(const Experiment& experiment, const Run& asked,
                        const ModelProfile& profile);

// What a comparison keeps of a run that was trained before; nothing where it was not.
std::optional<TrainedRun> find_trained(const Experiment& experiment, const Run& run);
// Trains, or takes up a run that was cut off. Throws TryAgainError when interrupted.
TrainedRun train_run(const Experiment& experiment, const Run& run, const ModelProfile& profile);

// A run under way, which others may interrupt between two slices.
class RunTraining {
 public:
  // resident_bytes: of the process without other runs under way; unset: there are none.
  RunTraining(const Experiment& experiment, Run run, const ModelProfile& profile,
              std::optional<int64_t> resident_bytes = {});
  // Goes on for so many seconds of training; whether the run has ended.
  bool advance(double seconds);
  // Keeps what came of the run that has ended. Throws TryAgainError when it was interrupted,
  // DataError when its validation score is no number.
  TrainedRun finish();
  const Run& run() const { return run_; }

 private:
  void begin_measuring_memory();
  void measure_memory();

  const Experiment& experiment_;
  Run run_;
  ModelProfile profile_;
  std::optional<PeakMemory> memory_;  // of the turn under way, where that is measured
  std::optional<int64_t> resident_bytes_, peak_bytes_;
  int64_t own_bytes_ = 0;  // that the run keeps between its turns
  int64_t turns_taken_ = 0;
  train::Recipe recipe_;
  train::RunConfig config_;
  TitledProgress progress_;
  std::unique_ptr<tasks::Task> task_;
  runtime::KeptGenerator generator_;
  std::unique_ptr<train::Training> training_;
  double items_ = 0;            // of a pass
  double items_of_weight_ = 1;  // what a training counts, in items
  Turns turns_;
};

struct Contestant {
  Run run;
  const ModelProfile* profile;
};
// Trains these runs in turns of some seconds, so that a slow minute of the machine hits all of them
// alike, and keeps them. failures: gets those of single runs. Throws TryAgainError when
// interrupted; every run has a checkpoint then.
void train_in_turns(const Experiment& experiment, const std::vector<Contestant>& contestants,
                    std::vector<Failure>& failures);

}  // namespace braid::evaluate
