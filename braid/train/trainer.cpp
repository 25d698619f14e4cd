#include "braid/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "braid/core/error.h"
#include "braid/train/budget.h"
#include "braid/train/checkpoints.h"
#include "braid/train/run_folder.h"
#include "braid/train/run_texts.h"
#include "braid/train/stepper.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class Trainer {
 public:
  Trainer(tasks::Task& task, const RunConfig& config, std::stop_token stop, Progress& progress)
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
    state_.folder = fs::current_path().string();
    state_.batches = loader_->size();
    if (config.resume) resume();
  }

  TrainResult run();

 private:
  void resume();
  void train_epoch();
  bool evaluate_epoch();
  void run_epochs();
  void save_before_bad_sample();
  bool ends_here();
  void save_last();
  // Throws what ends a run whose loss stayed not finite.
  [[noreturn]] void diverged(const data::Batch& batch);
  double lr() const { return schedule_.lr(budget_.position(state_, loader_->size())); }

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
  Checkpoints checkpoints_;
  std::string stop_reason_;
  int64_t bad_before_ = 0;  // bad samples of the run before this resume
};

void Trainer::resume() {
  const std::string folder = folder_.path().string();
  if (!checkpoints_.resume(settings_of(task_, config_), config_.moved_data)) {
    progress_.line("Nothing to resume in " + folder + ": starting from the beginning.");
    return;
  }
  if (state_.batches != 0 && state_.batches != loader_->size())
    throw DataError("resume",
                    fmt::format("expected the run's {} batches an epoch, the data has {} now",
                                state_.batches, loader_->size()),
                    "", "resume with the same data, or start anew in another --output");
  state_.batches = loader_->size();
  stepper_.resume();
  bad_before_ = state_.bad_samples;
  progress_.line(
      fmt::format("Resuming {} at epoch {}, batch {}.", folder, state_.epoch, state_.batch));
}

bool Trainer::ends_here() {
  stop_reason_ = stop_.stop_requested() ? "interrupted" : budget_.spent(state_);
  return !stop_reason_.empty();
}

void Trainer::save_last() {
  state_.bad_samples = bad_before_ + loader_->bad_samples();
  if (stepper_.is_finite())
    checkpoints_.save_last();
  else
    progress_.line(fmt::format("Not saved at step {}: the weights are not finite.", state_.step));
}

void Trainer::diverged(const data::Batch& batch) {
  constexpr const char* kLower = "lower lr or set clip_grad";
  if (!fs::exists(checkpoints_.last())) save_last();  // as it was before the steps skipped
  if (fs::exists(checkpoints_.best()))
    throw stepper_.divergence(
        batch, checkpoints_.best(),
        fmt::format("the checkpoint named here is the best so far; {}", kLower));
  if (fs::exists(checkpoints_.last()))
    throw stepper_.divergence(
        batch, checkpoints_.last(),
        fmt::format("the checkpoint named here is from before those steps; {}", kLower));
  throw stepper_.divergence(batch, {}, kLower);
}

void Trainer::train_epoch() {
  stepper_.begin_epoch();
  loader_->start_epoch(state_.epoch, state_.batch);
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
      if (stepper_.is_hopeless()) diverged(moved);
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
    if (stepped && ends_here()) break;
    if (last) break;
    if (stepped && config_.checkpoint_minutes > 0 &&
        checkpoints_.seconds_since_saved() > 60 * config_.checkpoint_minutes) {
      save_last();
      start = Clock::now();
    }
  }
  progress_.end();
}

// Returns whether the validation is finite: only such an epoch may be kept.
bool Trainer::evaluate_epoch() {
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
  const bool finite = tasks::all_finite(stats.scores) && tasks::all_finite(stats.scores_ema);
  if (finite && (state_.best_scores.empty() ||
                 better(stats.scores_ema.front(), state_.best_scores.front()))) {
    state_.best_scores = stats.scores_ema;
    state_.best_epoch = state_.epoch;
    checkpoints_.save_best();  // the averaged weights, where there are any
  }
  if (ema) ema->swap(task_.model());
  const auto& first = stats.scores.front();
  schedule_.observe(first.higher_is_better ? first.value : -first.value);
  folder_.epoch(state_.history);
  progress_.line(epoch_text(title_, stats, ema.has_value(), task_.items()));
  return finite;
}

void Trainer::run_epochs() {
  while ((budget_.open_ended() || state_.epoch < config_.epochs) && !ends_here()) {
    train_epoch();
    if (stop_reason_ == "interrupted") break;
    if (state_.epoch_items == 0 && state_.skipped_steps == 0)
      throw DataError("train", "expected something to learn from, but every batch was left out", "",
                      "raise batch_size, or give more images");
    const bool finite = evaluate_epoch();
    const int64_t epoch = state_.epoch++;
    state_.batch = 0;
    state_.epoch_loss = state_.epoch_items = state_.epoch_seconds = 0;
    if (finite) {
      save_last();
      checkpoints_.keep_epoch(epoch, config_.checkpoint_hist);
    } else {
      progress_.line(fmt::format("Epoch {} is not kept: its validation is not finite.", epoch));
    }
    if (stop_reason_.empty() && config_.early_stop_epochs > 0 &&
        epoch - state_.best_epoch >= config_.early_stop_epochs)
      stop_reason_ = "early_stop";
    if (!stop_reason_.empty()) break;
  }
  if (stop_reason_ == "interrupted") save_last();
}

// A sample that cannot be read ends a run, but not what it has learned.
void Trainer::save_before_bad_sample() {
  if (state_.step == 0 || stepper_.accumulated() > 0 || !stepper_.is_finite()) return;
  save_last();
  progress_.line(
      fmt::format("Saved at epoch {}, batch {}: --resume goes on from here, with --on-bad-sample "
                  "skip without what cannot be read.",
                  state_.epoch, state_.batch));
}

TrainResult Trainer::run() {
  try {
    run_epochs();
  } catch (const DivergenceError&) {
    throw;
  } catch (const DataError&) {
    save_before_bad_sample();
    throw;
  }
  const auto best = checkpoints_.best();
  const auto result =
      result_of(state_, task_, stop_reason_.empty() ? "epochs" : stop_reason_,
                bad_before_ + loader_->bad_samples(), fs::exists(best) ? best : fs::path());
  folder_.result(result);
  if (stop_reason_ != "interrupted" && !state_.history.empty() && state_.best_scores.empty())
    throw DivergenceError("train", "no epoch had a validation that is finite",
                          folder_.path().string(), "lower lr or set clip_grad");
  return result;
}

}  // namespace

TrainResult train(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                  Progress& progress) {
  validate(config);
  checkpoint_to_resume(config);
  return Trainer(task, config, std::move(stop), progress).run();
}

}  // namespace braid::train
