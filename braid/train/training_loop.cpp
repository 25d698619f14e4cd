#include "braid/train/training_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "braid/core/error.h"
#include "braid/train/run_texts.h"

namespace braid::train {

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
  if (const auto cut = loader_->cut(); cut.count > 0)
    progress.line(fmt::format("{}: {} (--max-length).", title_, to_text(cut)));
  const Json settings = visit_to_json(settings_of(task, config));
  state_.config = settings;
  state_.folder = working_folder();
  note_data();
  if (config.max_train_seconds > 0 && config.threads == 0) team_.emplace();
  if (config.resume) resume();
  folder_.begin(settings);
}

void TrainingLoop::note_data() {
  const auto data = task_.data();
  state_.batches = loader_->size();
  state_.train_size = data.train;
  state_.val_size = data.val;
}

// An order over other items would be another one, and what was trained on might now validate.
void TrainingLoop::expect_same_data() const {
  constexpr const char* kRemedy = "resume with the same data, or start anew in another --output";
  const auto data = task_.data();
  if (state_.batches != 0 && state_.batches != loader_->size())
    throw DataError("resume",
                    fmt::format("expected the run's {} batches an epoch, the data has {} now",
                                state_.batches, loader_->size()),
                    "", kRemedy);
  if (state_.train_size != 0 && (state_.train_size != data.train || state_.val_size != data.val))
    throw DataError(
        "resume",
        fmt::format("expected the run's {} items to train on and {} of val, the data has {} and "
                    "{} now",
                    state_.train_size, state_.val_size, data.train, data.val),
        "", kRemedy);
}

void TrainingLoop::resume() {
  const std::string folder = folder_.path().string();
  if (!checkpoints_.resume(settings_of(task_, config_), config_.moved_data)) {
    progress_.line("Nothing to resume in " + folder + ": starting from the beginning.");
    return;
  }
  expect_same_data();
  note_data();
  stepper_.resume();
  if (is_stuck()) stop_reason_ = "early_stop";  // it had ended
  progress_.line(
      fmt::format("Resuming {} at epoch {}, batch {}.", folder, state_.epoch, state_.batch));
}

// A budget that is spent ends the run whatever else: interrupted, it would have nothing left to
// resume, and its last steps would never be evaluated.
bool TrainingLoop::ends_here() {
  stop_reason_ = budget_.spent(state_);
  if (stop_reason_.empty() && stop_.stop_requested()) stop_reason_ = "interrupted";
  return !stop_reason_.empty();
}

void TrainingLoop::begin_epoch() {
  stepper_.begin_epoch();
  loader_->start_epoch(state_.epoch, state_.batch);
  within_epoch_ = true;
}

void TrainingLoop::fit_team(double items, double seconds) {
  if (!team_) return;
  if (team_->size() < team_->most()) state_.fewer_threads_seconds += seconds;
  if (!team_->observe(items, seconds)) return;
  progress_.line(team_->size() < team_->most()
                     ? fmt::format("Other work uses the processors: {} of {} threads train {}.",
                                   team_->size(), team_->most(), title_)
                     : fmt::format("All {} threads train {} again.", team_->most(), title_));
}

bool TrainingLoop::train_epoch() {
  if (!within_epoch_) begin_epoch();
  progress_.begin(fmt::format("{} epoch {}", title_, state_.epoch), loader_->size());
  double window_lr = 0, items_before = state_.train_items;
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
      if (stepper_.is_hopeless()) diverged(&moved);
    }
    state_.batch = position;
    const bool last = position >= size;  // the last batches may have been left out: no batch
    const bool full = stepper_.accumulated() == config_.grad_accum_steps;
    const bool stepped = full || (last && stepper_.accumulated() > 0);
    if (stepped) stepper_.step(window_lr);
    if (stepper_.is_hopeless()) diverged(nullptr);  // its gradients are not finite
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    start = Clock::now();
    state_.epoch_seconds += seconds;
    state_.train_seconds += seconds;
    fit_team(state_.train_items - items_before, seconds);
    items_before = state_.train_items;
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

bool TrainingLoop::run_epochs() {
  while (stop_reason_.empty() && (budget_.open_ended() || state_.epoch < config_.epochs) &&
         !ends_here()) {
    if (!train_epoch()) return false;
    if (stop_reason_ != "interrupted") end_epoch();
  }
  if (stop_reason_ == "interrupted") save_last();
  return true;
}

bool TrainingLoop::advance(double seconds) {
  slice_end_ = state_.train_seconds + seconds;
  const runtime::Team::Working working(team_ ? &*team_ : nullptr);
  try {
    return run_epochs();
  } catch (const DivergenceError&) {
    throw;
  } catch (const NonFiniteOutputError&) {
    throw;
  } catch (const DataError&) {
    save_before_bad_sample();
    throw;
  } catch (const UnreadableFileError&) {
    save_before_bad_sample();
    throw;
  }
}

}  // namespace braid::train
