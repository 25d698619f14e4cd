// From batches to optimizer steps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/tasks/task.h"
#include "braid/train/accumulation.h"
#include "braid/train/config.h"
#include "braid/train/divergence.h"
#include "braid/train/ema.h"
#include "braid/train/freeze.h"
#include "braid/train/non_finite_guard.h"
#include "braid/train/optimizer.h"
#include "braid/train/state.h"
#include "braid/train/step_graph.h"

namespace braid::train {

class Stepper {
 public:
  // Puts the task on the config's device and freezes what is to be frozen. state: counts the items,
  // the losses and the steps, and says where in the run it is.
  Stepper(tasks::Task& task, const RunConfig& config, TrainState& state, Progress& progress);

  // Training mode, but for frozen layers; no window is under way.
  void begin_epoch();
  // Begins a window of so many batches, at most; without gradients.
  void begin_window(int64_t batches);
  // Forward and backward pass of a batch. Batches whose loss is not finite spoil their step; one
  // that batch norm cannot take is left out. Throws ConfigError where batches are never larger.
  void add(const data::Batch& batch);
  // Ends the window: an optimizer step, unless the loss or the gradient was not finite or all of it
  // was left out.
  void step(double lr);
  int64_t accumulated() const { return window_.count(); }  // batches of the window so far
  // Whether nothing more can be learned: the step under way is not finite either, after too many
  // before it, or the weights are not.
  bool is_hopeless() const { return lost_ || guard_.hopeless(); }
  // What says so, with the step and what is not finite: a weight, the gradients, or where the
  // batch's forward pass stops being so. batch: the last one; null: it is gone. where, remedy: the
  // checkpoint to go back to, if there is one.
  DivergenceError divergence(const data::Batch* batch, const std::filesystem::path& where,
                             const std::string& remedy);
  // Whether every weight, every running statistic and every average of one is finite.
  bool is_finite() { return first_not_finite().empty(); }
  // The state is another run's now.
  void resume() { guard_ = NonFiniteGuard(state_.skipped_steps); }

  double last_loss() const { return last_loss_; }
  const torch::Device& device() const { return device_; }
  Optimizer& optimizer() { return *optimizer_; }
  std::optional<Ema>& ema() { return ema_; }

 private:
  tasks::Step forward(const data::Batch& batch);
  // The task's step, or none where it is one item and batch norm needs two.
  std::optional<tasks::Step> try_step(const data::Batch& batch);
  // The batch by one launch on the device, where that can be.
  std::optional<tasks::Step> replay(const data::Batch& batch);
  // The name of one that is not, empty: all are.
  std::string first_not_finite();
  // Counts a batch whose backward pass has begun.
  void account(const tasks::Step& step);
  // Freezes what is to be frozen, and makes the optimizer of what is trained at any time of the
  // run.
  void prepare_parameters(const RunConfig& config);
  // Where the epochs are over for which layers were frozen, these are trained from here on.
  void thaw();

  tasks::Task& task_;
  TrainState& state_;
  Progress& progress_;
  torch::Device device_;
  std::string dtype_;
  Frozen frozen_;
  double freeze_epochs_;                // 0: the whole run
  std::vector<torch::Tensor> to_thaw_;  // what gets gradients after them; empty: nothing more
  double clip_grad_;
  int64_t batch_size_;
  bool left_one_out_ = false;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> ema_;
  NonFiniteGuard guard_{0};
  bool of_gradients_ = false;  // are not finite, where the loss is
  bool lost_ = false;          // a weight is not finite, and stays so
  Accumulation window_;
  std::optional<StepGraph> graph_;
  double last_loss_ = 0;
};

}  // namespace braid::train
