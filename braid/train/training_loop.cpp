#include "braid/train/training_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "braid/train/run_texts.h"

namespace braid::train {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

TrainingLoop::TrainingLoop(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                           Progress& progress)
    : task_(task),
      config_(config),
      title_(visit_to_json(settings_of(task, config)).value("model", task.name())),
      stop_(std::move(stop)),
      progress_(progress),
      stepper_(task, config, state_, progress),
      folder_(config, task),
      loader_(task.training_loader({.batch_size = config.batch_size,
                                    .workers = config.workers,
                                    .seed = config.seed,
                                    .on_bad_sample = config.on_bad_sample})),
      schedule_(config.schedule, config.optimizer.lr, static_cast<double>(config.epochs)),
      budget_(config),
      checkpoints_(folder_.path(),
                   {task, stepper_.optimizer(), schedule_, stepper_.ema(), state_}) {
  state_.config = visit_to_json(settings_of(task, config));
  if (config.resume) resume();
}

void TrainingLoop::resume() {
  const std::string folder = folder_.path().string();
  if (!checkpoints_.resume(settings_of(task_, config_))) {
    progress_.line("Nothing to resume in " + folder + ": starting from the beginning.");
    return;
  }
  stepper_.resume();
  bad_before_ = state_.bad_samples;
  progress_.line(
      fmt::format("Resuming {} at epoch {}, batch {}.", folder, state_.epoch, state_.batch));
}

bool TrainingLoop::ends_here() {
  stop_reason_ = stop_.stop_requested() ? "interrupted" : budget_.spent(state_);
  return !stop_reason_.empty();
}

void TrainingLoop::save_last() {
  state_.bad_samples = bad_before_ + loader_->bad_samples();
  checkpoints_.save_last();
}

void TrainingLoop::begin_epoch() {
  stepper_.begin_epoch();
  loader_->start_epoch(state_.epoch, state_.batch);
  within_epoch_ = true;
}

bool TrainingLoop::train_epoch() {
  if (!within_epoch_) begin_epoch();
  progress_.begin(fmt::format("{} epoch {}", title_, state_.epoch), loader_->size());
  double window_lr = 0;
  auto start = Clock::now();
  while (true) {
    const auto batch = loader_->next();
    const int64_t size = loader_->size(), position = loader_->position();
    if (batch) {
      const auto moved = batch->to(stepper_.device());
      if (stepper_.accumulated() == 0) {
        window_lr = lr();  // of what is behind, so that the first step has warmup_lr, as timm's
        stepper_.begin_window(std::min(config_.grad_accum_steps, size - position + 1));
      }
      stepper_.add(moved);
      if (stepper_.is_hopeless()) {  // the checkpoints are from before the steps that were skipped
        if (!fs::exists(checkpoints_.last())) save_last();
        throw stepper_.divergence(moved, checkpoints_.last());
      }
    }
    state_.batch = position;
    const bool last = position >= size;  // the last batches may have been left out: no batch
    const bool full = stepper_.accumulated() == config_.grad_accum_steps;
    const bool stepped = full || (last && stepper_.accumulated() > 0);
    if (stepped) stepper_.step(window_lr);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    start = Clock::now();
    state_.epoch_seconds += seconds;
    state_.train_seconds += seconds;
    progress_.update(
        position, bar_text(stepper_.last_loss(), state_, config_.max_train_seconds, task_.items()));
    if ((stepped && ends_here()) || last) break;
    if (stepped && state_.train_seconds >= slice_end_) {
      progress_.end();
      return false;
    }
    if (stepped && config_.checkpoint_minutes > 0 &&
        checkpoints_.seconds_since_saved() > 60 * config_.checkpoint_minutes) {
      save_last();
      start = Clock::now();
    }
  }
  progress_.end();
  within_epoch_ = false;
  return true;
}

void TrainingLoop::evaluate_epoch() {
  const auto evaluate = [this] {
    return task_.evaluate(tasks::Split::kVal,
                          {.batch_size = config_.batch_size,
                           .workers = config_.workers,
                           .dtype = config_.dtype,
                           .on_bad_sample = config_.on_bad_sample},
                          progress_);
  };
  auto& ema = stepper_.ema();
  EpochStats stats{.epoch = state_.epoch,
                   .step = state_.step,
                   .train_loss = state_.epoch_loss / std::max(1.0, state_.epoch_items),
                   .scores = evaluate(),
                   .scores_ema = {},
                   .lr = lr(),
                   .seconds = state_.epoch_seconds,
                   .items_per_s = state_.epoch_items / std::max(1e-9, state_.epoch_seconds)};
  if (ema) ema->swap(task_.model());
  stats.scores_ema = ema ? evaluate() : stats.scores;
  state_.history.push_back(stats);
  if (state_.best_scores.empty() || better(stats.scores_ema.front(), state_.best_scores.front())) {
    state_.best_scores = stats.scores_ema;
    state_.best_epoch = state_.epoch;
    checkpoints_.save_best();  // the averaged weights, where there are any
  }
  if (ema) ema->swap(task_.model());
  const auto& first = stats.scores.front();
  schedule_.observe(first.higher_is_better ? first.value : -first.value);
  folder_.epoch(state_.history);
  progress_.line(epoch_text(title_, stats, ema.has_value(), task_.items()));
}

void TrainingLoop::end_epoch() {
  evaluate_epoch();
  const int64_t epoch = state_.epoch++;
  state_.batch = 0;
  state_.epoch_loss = state_.epoch_items = state_.epoch_seconds = 0;
  save_last();
  checkpoints_.keep_epoch(epoch, config_.checkpoint_hist);
  if (stop_reason_.empty() && config_.early_stop_epochs > 0 &&
      epoch - state_.best_epoch >= config_.early_stop_epochs)
    stop_reason_ = "early_stop";
}

bool TrainingLoop::advance(double seconds) {
  slice_end_ = state_.train_seconds + seconds;
  while (stop_reason_.empty() && (budget_.open_ended() || state_.epoch < config_.epochs) &&
         !ends_here()) {
    if (!train_epoch()) return false;
    if (stop_reason_ != "interrupted") end_epoch();
  }
  if (stop_reason_ == "interrupted") save_last();
  return true;
}

TrainResult TrainingLoop::finish() {
  const auto result = result_of(state_, task_, stop_reason_.empty() ? "epochs" : stop_reason_,
                                bad_before_ + loader_->bad_samples(), checkpoints_.best());
  folder_.result(result);
  return result;
}

}  // namespace braid::train
