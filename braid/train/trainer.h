// Trains one task.
#pragma once
#include <memory>
#include <stop_token>

#include "braid/core/progress.h"
#include "braid/tasks/task.h"
#include "braid/train/config.h"
#include "braid/train/result.h"

namespace braid::train {

// Trains the task's model on its training data, evaluates it on val after every epoch, and fills
// config.output with
//   config.toml        the resolved config, the task's and the run's
//   last/ model_best/  checkpoints as the task saves them; last/ also the trainer's state
//   checkpoint-N/      the newest config.checkpoint_hist epochs
//   summary.csv        a line per epoch
//   results.json       the TrainResult
//   events.out.tfevents.*  TensorBoard
// When `stop` is requested it saves and returns at the end of the step. With config.resume it
// continues from last/, on the CPU to the bit; the task is then best made from that checkpoint
// (checkpoint_to_resume in train/checkpoints.h), since its weights are loaded over.
//
// Nothing of the process is set: random numbers come from LibTorch's default generators and the
// threads are those that are there. A repeatable run seeds them first (runtime/process.h).
//
// What is not finite is never kept: an epoch whose validation is not leaves last/ and model_best/
// as they were, and a run without a finite one throws DivergenceError. Where a sample cannot be
// read, last/ is saved before the error is thrown on.
//
// Throws ConfigError, DataError or IoError; a failing output folder is found before the first
// epoch; TryAgainError while another run writes into it.
TrainResult train(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                  Progress& progress);

// The same training in slices, so that several can take turns on one machine. The random numbers
// are whose turn it is: who wants them as train() draws them keeps a generator per training
// (runtime::KeptGenerator).
class Training {
 public:
  Training(tasks::Task& task, const RunConfig& config, std::stop_token stop, Progress& progress);
  ~Training();
  // Goes on until the run ends or `seconds` more of training are spent. Returns whether the run has
  // ended; a stop that was requested ends it, saved, also between two slices.
  bool advance(double seconds);
  // So far, over all resumes.
  double train_seconds() const;
  double train_items() const;
  // Of a run that has ended; writes results.json.
  TrainResult finish();

 private:
  std::unique_ptr<class TrainingLoop> loop_;
};

}  // namespace braid::train
