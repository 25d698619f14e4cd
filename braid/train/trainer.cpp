#include "braid/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "braid/core/error.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/train/accumulation.h"
#include "braid/train/budget.h"
#include "braid/train/checkpoints.h"
#include "braid/train/divergence.h"
#include "braid/train/freeze.h"
#include "braid/train/non_finite_guard.h"
#include "braid/train/run_folder.h"
#include "braid/train/run_texts.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

uint64_t checkpoint_bytes(const torch::nn::Module& model) {
  uint64_t bytes = 0;
  for (const auto& p : model.parameters()) bytes += p.nbytes();
  return 6 * bytes + (1 << 20);  // weights, two moments, an average, and the old beside the new
}

// The model on its device, its frozen layers without gradients.
models::Model& prepared(tasks::Task& task, const RunConfig& config, Progress& progress) {
  task.to(runtime::resolve_device(config.device));
  task.model().set_grad_checkpointing(config.grad_checkpointing);
  freeze_layers(task.model(), config.freeze, progress);
  return task.model();
}

class Trainer {
 public:
  Trainer(tasks::Task& task, const RunConfig& config, std::stop_token stop, Progress& progress)
      : task_(task),
        config_(config),
        title_(visit_to_json(settings_of(task, config)).value("model", task.name())),
        stop_(std::move(stop)),
        progress_(progress),
        model_(prepared(task, config, progress)),
        device_(runtime::device_of(model_)),
        folder_(config.output, visit_to_json(settings_of(task, config)), task.items(),
                checkpoint_bytes(model_)),
        loader_(task.training_loader({.batch_size = config.batch_size,
                                      .workers = config.workers,
                                      .seed = config.seed,
                                      .on_bad_sample = config.on_bad_sample})),
        optimizer_(make_optimizer(make_param_groups(model_, config.optimizer), config.optimizer)),
        schedule_(config.schedule, config.optimizer.lr, static_cast<double>(config.epochs)),
        budget_(config),
        checkpoints_(folder_.path(), {task, *optimizer_, schedule_, ema_, state_}) {
    if (config.model_ema) ema_.emplace(model_, config.model_ema_decay);
    state_.config = visit_to_json(settings_of(task, config));
    if (config.resume) resume();
    guard_ = NonFiniteGuard(state_.skipped_steps);
  }

  TrainResult run();

 private:
  void resume();
  void train_epoch();
  void backward(const data::Batch& batch);
  void optimizer_step();
  void evaluate_epoch();
  bool ends_here();
  void save_last();
  [[noreturn]] void stop_diverged(const data::Batch& batch);
  double position() const { return budget_.position(state_, loader_->size()); }
  tasks::Scores evaluate();
  std::string progress_text() const;

  tasks::Task& task_;
  RunConfig config_;
  std::string title_;
  std::stop_token stop_;
  Progress& progress_;
  models::Model& model_;
  torch::Device device_;
  RunFolder folder_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Optimizer> optimizer_;
  Schedule schedule_;
  Budget budget_;
  std::optional<Ema> ema_;
  TrainState state_;
  Checkpoints checkpoints_;
  NonFiniteGuard guard_{0};
  Accumulation window_;
  std::string stop_reason_;
  int64_t bad_before_ = 0;  // bad samples of the run before this resume
  double last_loss_ = 0;
};

void Trainer::resume() {
  const std::string folder = folder_.path().string();
  if (!checkpoints_.resume(settings_of(task_, config_))) {
    progress_.line("Nothing to resume in " + folder + ": starting from the beginning.");
    return;
  }
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
  checkpoints_.save_last();
}

// The checkpoints hold weights from before the steps that were skipped.
void Trainer::stop_diverged(const data::Batch& batch) {
  if (!fs::exists(checkpoints_.last())) save_last();
  throw DivergenceError(
      "train",
      fmt::format("the loss was not finite in {} steps in a row; first not finite: {}",
                  NonFiniteGuard::kMostSkipped,
                  first_non_finite_module(model_, batch, [&] { task_.forward(batch); })),
      checkpoints_.last().string(),
      "the checkpoint named here is the last good one; lower --lr or set --clip-grad");
}

void Trainer::backward(const data::Batch& batch) {
  tasks::Step step;
  {
    const runtime::Autocast autocast(device_.type(), config_.dtype);
    step = task_.training_step(batch);
  }
  const double value = step.loss.item<double>();
  state_.train_items += step.weight;
  if (!guard_.loss(value)) {
    if (guard_.hopeless()) stop_diverged(batch);
    window_.skip();
    return;
  }
  window_.add(step);
  last_loss_ = value;
  state_.epoch_loss += value * step.weight;
  state_.epoch_items += step.weight;
}

void Trainer::optimizer_step() {
  if (!guard_.spoilt()) {
    window_.finish(*optimizer_);
    if (config_.clip_grad > 0) guard_.gradient_norm(clip_grad_norm(*optimizer_, config_.clip_grad));
  }
  if (guard_.end_step()) {
    progress_.line(fmt::format("Step {} skipped: loss or gradient not finite.", state_.step));
  } else {
    optimizer_->step(schedule_.lr(position()));
    if (ema_) ema_->update(model_);
  }
  state_.skipped_steps = guard_.skipped();
  optimizer_->zero_grad();
  ++state_.step;
}

std::string Trainer::progress_text() const {
  const double rate = state_.epoch_seconds > 0 ? state_.epoch_items / state_.epoch_seconds : 0;
  std::string text = bar_text(
      last_loss_, rate, state_.history.empty() ? nullptr : &state_.history.back(), task_.items());
  if (config_.max_train_seconds > 0)
    text += fmt::format("  {:.0f}/{:.0f} s", state_.train_seconds, config_.max_train_seconds);
  return text;
}

void Trainer::train_epoch() {
  set_training_mode(model_, config_.freeze);
  loader_->start_epoch(state_.epoch, state_.batch);
  progress_.begin(fmt::format("{} epoch {}", title_, state_.epoch), loader_->size());
  optimizer_->zero_grad();
  window_.begin(0);
  auto start = Clock::now();
  while (true) {
    const auto batch = loader_->next();
    if (!batch) {  // the last batches may have been left out for bad samples
      if (window_.count() > 0) optimizer_step();
      break;
    }
    if (window_.count() == 0)
      window_.begin(std::min(config_.grad_accum_steps, loader_->size() - state_.batch));
    backward(batch->to(device_));
    ++state_.batch;
    const bool last = state_.batch >= loader_->size();
    const bool stepped = window_.count() == config_.grad_accum_steps || last;
    if (stepped) {
      optimizer_step();
      window_.begin(0);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    start = Clock::now();
    state_.epoch_seconds += seconds;
    state_.train_seconds += seconds;
    progress_.update(state_.batch, progress_text());
    if (!stepped) continue;
    if (ends_here()) break;
    if (config_.checkpoint_minutes > 0 && !last &&
        checkpoints_.seconds_since_saved() > 60 * config_.checkpoint_minutes) {
      save_last();
      start = Clock::now();
    }
  }
  progress_.end();
}

tasks::Scores Trainer::evaluate() {
  return task_.evaluate(tasks::Split::kVal,
                        {.batch_size = config_.batch_size,
                         .workers = config_.workers,
                         .dtype = config_.dtype,
                         .on_bad_sample = config_.on_bad_sample},
                        progress_);
}

void Trainer::evaluate_epoch() {
  EpochStats stats{.epoch = state_.epoch,
                   .step = state_.step,
                   .train_loss = state_.epoch_loss / std::max(1.0, state_.epoch_items),
                   .scores = evaluate(),
                   .scores_ema = {},
                   .lr = schedule_.lr(position()),
                   .seconds = state_.epoch_seconds,
                   .items_per_s = state_.epoch_items / std::max(1e-9, state_.epoch_seconds)};
  if (ema_) ema_->swap(model_);
  stats.scores_ema = ema_ ? evaluate() : stats.scores;
  state_.history.push_back(stats);
  if (state_.best_scores.empty() || better(stats.scores_ema.front(), state_.best_scores.front())) {
    state_.best_scores = stats.scores_ema;
    state_.best_epoch = state_.epoch;
    checkpoints_.save_best();  // the averaged weights, where there are any
  }
  if (ema_) ema_->swap(model_);
  const auto& first = stats.scores.front();
  schedule_.observe(first.higher_is_better ? first.value : -first.value);
  folder_.epoch(state_.history);
  progress_.line(epoch_text(title_, stats, ema_.has_value(), task_.items()));
}

TrainResult Trainer::run() {
  while ((budget_.open_ended() || state_.epoch < config_.epochs) && !ends_here()) {
    train_epoch();
    if (stop_reason_ == "interrupted") break;
    evaluate_epoch();
    const int64_t without_improvement = state_.epoch - state_.best_epoch;
    const int64_t epoch = state_.epoch++;
    state_.batch = 0;
    state_.epoch_loss = state_.epoch_items = state_.epoch_seconds = 0;
    save_last();
    checkpoints_.keep_epoch(epoch, config_.checkpoint_hist);
    if (!stop_reason_.empty()) break;
    if (config_.early_stop_epochs > 0 && without_improvement >= config_.early_stop_epochs) {
      stop_reason_ = "early_stop";
      break;
    }
  }
  if (stop_reason_ == "interrupted") save_last();
  TrainResult result{.task = task_.name(),
                     .items = task_.items(),
                     .best_scores = state_.best_scores,
                     .best_epoch = state_.best_epoch,
                     .steps = state_.step,
                     .train_seconds = state_.train_seconds,
                     .items_per_s = state_.train_items / std::max(1e-9, state_.train_seconds),
                     .bad_samples = bad_before_ + loader_->bad_samples(),
                     .stop_reason = stop_reason_.empty() ? "epochs" : stop_reason_,
                     .best_checkpoint = checkpoints_.best(),
                     .history = state_.history};
  folder_.result(result);
  return result;
}

}  // namespace

fs::path checkpoint_to_resume(const RunConfig& config) {
  const fs::path last = fs::path(config.output) / "last";
  if (!fs::exists(last)) return {};
  if (!config.resume)
    throw UsageError("train", "the folder already holds a run", config.output,
                     "add --resume to continue it, or choose another --output");
  return last;
}

TrainResult train(tasks::Task& task, const RunConfig& config, std::stop_token stop,
                  Progress& progress) {
  validate(config);
  checkpoint_to_resume(config);
  return Trainer(task, config, std::move(stop), progress).run();
}

}  // namespace braid::train
