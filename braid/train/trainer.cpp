#include "braid/train/trainer.h"

#include <limits>

#include "braid/train/training_loop.h"

namespace braid::train {

Training::Training(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                   Progress& progress) {
  validate(config);
  checkpoint_to_resume(config);
  loop_ = std::make_unique<TrainingLoop>(task, config, std::move(stop), progress);
}
Training::~Training() = default;

bool Training::advance(double seconds) { return loop_->advance(seconds); }
double Training::train_seconds() const { return loop_->state().train_seconds; }
double Training::train_items() const { return loop_->state().train_items; }
TrainResult Training::finish() { return loop_->finish(); }

TrainResult train(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                  Progress& progress) {
  Training training(task, config, std::move(stop), progress);
  training.advance(std::numeric_limits<double>::infinity());
  return training.finish();
}

}  // namespace braid::train
