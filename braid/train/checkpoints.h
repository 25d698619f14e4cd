// The checkpoints of a run: last/, model_best/ and the epochs'.
#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "braid/tasks/task.h"
#include "braid/train/config.h"
#include "braid/train/ema.h"
#include "braid/train/optimizer.h"
#include "braid/train/schedule.h"
#include "braid/train/state.h"

namespace braid::train {

// <output>/last where config.resume is set and a run is there to go on; else empty. Throws
// UsageError where the folder holds a run that is not to be resumed, TryAgainError while a run
// writes into it.
std::filesystem::path checkpoint_to_resume(const RunConfig& config);

class Checkpoints {
 public:
  // What a run continues from.
  struct Parts {
    tasks::Task& task;
    Optimizer& optimizer;
    Schedule& schedule;
    std::optional<Ema>& ema;
    TrainState& state;
  };
  Checkpoints(std::filesystem::path run, Parts parts) : run_(std::move(run)), parts_(parts) {}

  std::filesystem::path last() const { return run_ / "last"; }
  std::filesystem::path best() const { return run_ / "model_best"; }
  // Puts every part back as it was saved, and the CPU's random numbers. config: the run's, which
  // must be the saved one (check_same_run); moved: as there. False: there is nothing to resume.
  bool resume(const VisitFields& config, bool moved);
  void save_last();
  void save_best();
  // Gives last/ the epoch's name too (its files are shared, not written twice, since they never
  // change), and removes all but the `kept` newest of these.
  void keep_epoch(int64_t epoch, int64_t kept);
  // The newest `count` of them, the newest first.
  std::vector<std::filesystem::path> newest_epochs(int64_t count) const;
  double seconds_since_saved() const;

 private:
  std::filesystem::path run_;
  Parts parts_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace braid::train
