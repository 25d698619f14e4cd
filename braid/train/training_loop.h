// The loop over epochs and steps behind train() and Training.
#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/loader.h"
#include "braid/runtime/team.h"
#include "braid/tasks/task.h"
#include "braid/train/budget.h"
#include "braid/train/checkpoints.h"
#include "braid/train/config.h"
#include "braid/train/result.h"
#include "braid/train/run_folder.h"
#include "braid/train/schedule.h"
#include "braid/train/state.h"
#include "braid/train/stepper.h"

namespace braid::train {

class TrainingLoop {
 public:
  TrainingLoop(tasks::Task& task, const RunConfig& config, std::stop_token stop,
               Progress& progress);

  bool advance(double seconds);  // as Training's
  TrainResult finish();
  const TrainState& state() const { return state_; }

 private:
  void resume();
  void note_data();  // in the state
  void expect_same_data() const;
  void begin_epoch();
  bool train_epoch();  // whether the epoch is over; else the slice is
  void end_epoch();
  bool evaluate_epoch();  // whether the validation is finite: only such an epoch may be kept
  tasks::Scores evaluate();
  bool run_epochs();  // as train_epoch: whether they are over
  void average_checkpoints();
  void save_before_bad_sample();
  void fit_team(double items, double seconds);  // of a step
  bool ends_here();
  bool is_stuck() const;  // for as many epochs as an early stop waits
  void note_bad_samples();
  void save_last();
  // Throws what ends a run whose loss stayed not finite.
  [[noreturn]] void diverged(const data::Batch* batch);
  double lr() const { return schedule_.lr(budget_.position(state_, loader_->size()), state_.step); }

  tasks::Task& task_;
  RunConfig config_;
  std::string title_;
  std::stop_token stop_;
  Progress& progress_;
  TrainState state_;
  Stepper stepper_;
  RunFolder folder_;
  std::unique_ptr<data::Loader> loader_;
  Schedule schedule_;
  Budget budget_;
  std::optional<runtime::Team> team_;  // none where the number of threads is fixed
  Checkpoints checkpoints_;
  std::string stop_reason_;
  bool within_epoch_ = false;
  double slice_end_ = 0;  // in train_seconds
  tasks::Scores averaged_scores_;
};

}  // namespace braid::train
