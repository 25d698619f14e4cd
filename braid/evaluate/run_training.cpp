#include "braid/evaluate/run_training.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "braid/core/error.h"
#include "braid/evaluate/starting_point.h"
#include "braid/io/atomic_file.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/train/checkpoints.h"
#include "braid/train/run_folder.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

fs::path run_folder(const Experiment& experiment, const Run& run) {
  const bool whole = run.fraction == 1;
  return fs::path(experiment.config.output) / (whole ? "models" : "work") / run_name(run);
}

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// passes: over the data, in all.
std::vector<CurvePoint> curve_of(const train::TrainResult& result, double passes) {
  std::vector<CurvePoint> curve;
  double seconds = 0;
  for (const auto& epoch : result.history) {
    seconds += epoch.seconds;
    CurvePoint& point = curve.emplace_back();
    point.epoch = passes * static_cast<double>(epoch.step) / static_cast<double>(result.steps);
    point.seconds = seconds;
    point.lr = epoch.lr;
    point.train_loss = finite(epoch.train_loss);
    for (const auto& score : epoch.scores)
      if (score.name == "loss") point.val_loss = finite(score.value);
    if (!epoch.scores_ema.empty()) point.val_score = finite(epoch.scores_ema.front().value);
  }
  return curve;
}

ResolvedSettings resolved_settings(const train::RunConfig& config, const ModelProfile& profile) {
  const auto device = runtime::resolve_device(config.device);
  return {.device = device.str(),
          .dtype = runtime::resolve_dtype(config.dtype, device.type()),
          .threads = at::get_num_threads(),
          .batch_size = config.batch_size,
          .input_size = profile.input_size};
}

// Of one turn: long enough that changing models costs nothing, short enough that every model has
// some of them.
double slice_seconds(double budget) { return std::clamp(budget / 10, 0.5, 10.0); }

// With what its recipe hangs on.
Run planned(const Experiment& experiment, Run run, const ModelProfile& profile) {
  run.passes = affordable_passes(experiment, run, profile);
  run.params = profile.params;
  return run;
}

std::string turns_of(const Run& run) { return "turns-" + run_name(run); }

// Where things are now: the comparison's folder may have been moved since.
TrainedRun identified(const Experiment& experiment, const Run& run, TrainedRun trained) {
  trained.run = run;
  trained.checkpoint = (run_folder(experiment, run) / "model_best").string();
  trained.predictions = experiment.work.path() / ("scores-" + run_name(run) + ".safetensors");
  return trained;
}

}  // namespace

double affordable_passes(const Experiment& experiment, const Run& run,
                         const ModelProfile& profile) {
  const auto items = static_cast<double>(experiment.workload.training_items(run));
  const auto& budget = experiment.budget;
  const double amount = budget.value * run.fraction;
  switch (budget.kind) {
    case BudgetKind::kTime:
      return amount * profile.train_items_per_s / items;
    case BudgetKind::kFlops:
      return amount / training_flops(std::max<int64_t>(1, profile.train_macs)) / items;
    case BudgetKind::kEpochs:
    case BudgetKind::kTotal:
      break;
  }
  return budget.value;
}

double affordable_steps(const Experiment& experiment, const Run& asked,
                        const ModelProfile& profile) {
  const Run run = planned(experiment, asked, profile);
  const auto config = run_config(experiment, run, profile, experiment.workload.recipe(run));
  return run.passes * static_cast<double>(experiment.workload.training_items(run)) /
         static_cast<double>(config.batch_size);
}

train::RunConfig run_config(const Experiment& experiment, const Run& run,
                            const ModelProfile& profile, const train::Recipe& recipe) {
  const auto& c = experiment.config;
  auto config = recipe.config.run;
  config.output = run_folder(experiment, run).string();
  config.seed = run.seed;
  // A tiny set of items is still at least one batch.
  config.batch_size = std::max<int64_t>(1, std::min(c.batch_size.value_or(config.batch_size),
                                                    experiment.workload.training_items(run)));
  config.dtype = c.dtype;
  config.device = c.device;
  config.workers = c.workers;
  config.threads = c.threads;
  config.on_bad_sample = c.on_bad_sample;
  config.checkpoint_hist = 0;  // last and best are enough here
  config.checkpoint_minutes = 1;
  const int64_t teacher_macs = run.teacher ? run.teacher->macs : 0;
  const auto limits =
      limits_of(experiment.budget, run.fraction, config.batch_size,
                training_flops(std::max<int64_t>(1, profile.train_macs), teacher_macs));
  if (limits.epochs > 0) config.epochs = limits.epochs;
  config.max_train_seconds = limits.seconds;
  config.max_steps = limits.steps;
  return config;
}

std::optional<TrainedRun> find_trained(const Experiment& experiment, const Run& run) {
  auto kept = experiment.work.find<TrainedRun>("train-" + run_name(run));
  if (!kept) return std::nullopt;
  return identified(experiment, run, std::move(*kept));
}

TrainedRun train_run(const Experiment& experiment, const Run& run, const ModelProfile& profile) {
  if (auto kept = find_trained(experiment, run)) return *kept;
  experiment.check_stop();
  RunTraining training(experiment, run, profile);
  training.advance(std::numeric_limits<double>::infinity());
  return training.finish();
}

RunTraining::RunTraining(const Experiment& experiment, Run run, const ModelProfile& profile,
                         std::optional<int64_t> resident_bytes)
    : experiment_(experiment),
      run_(planned(experiment, std::move(run), profile)),
      profile_(profile),
      memory_(std::in_place),
      resident_bytes_(resident_bytes),
      recipe_(experiment.workload.recipe(run_)),
      config_(run_config(experiment, run_, profile, recipe_)),
      progress_(experiment.progress, starting_point_of(run_.model).architecture,
                run_title(run_, experiment.config.seeds)),
      generator_(runtime::resolve_device(config_.device), static_cast<uint64_t>(config_.seed)) {
  const auto last = fs::path(config_.output) / "last";
  io::restore_folder(last);
  config_.resume = fs::exists(last);
  task_ = experiment.workload.make_task(run_, train::checkpoint_to_resume(config_),
                                        experiment.progress);
  const auto turn = generator_.turn();
  training_ = std::make_unique<train::Training>(*task_, config_, experiment.stop, progress_);
  items_ = static_cast<double>(experiment.workload.training_items(run_));
  items_of_weight_ = items_ / task_->pass_weight().value_or(items_);
  if (const auto kept = experiment.work.find<Turns>(turns_of(run_))) turns_ = *kept;
  turns_.cut(training_->train_seconds());
}

bool RunTraining::advance(double seconds) {
  const auto turn = generator_.turn();
  const double items = training_->train_items(), before = training_->train_seconds();
  begin_measuring_memory();
  const bool ended = training_->advance(seconds);
  measure_memory();
  const double now = training_->train_seconds(), spent = now - before;
  if (spent > 0) {
    turns_.add(items_of_weight_ * (training_->train_items() - items) / spent, now, spent, seconds);
    if (!ended) experiment_.work.keep(turns_of(run_), turns_);
  }
  return ended;
}

// In the first turn, the second, the fourth and so on: whoever measures hands the allocator's
// unused pages back to the kernel, which costs the turn some speed.
void RunTraining::begin_measuring_memory() {
  ++turns_taken_;
  const bool power_of_two = (turns_taken_ & (turns_taken_ - 1)) == 0;
  if (!memory_ && power_of_two) memory_.emplace();
}

// Before the next run's turn begins, which measures its own.
void RunTraining::measure_memory() {
  if (!memory_) return;
  if (const auto peak = memory_->bytes()) {
    const int64_t own = own_bytes_ + *peak - memory_->start();
    peak_bytes_ =
        std::max(peak_bytes_.value_or(0), resident_bytes_.value_or(memory_->start()) + own);
  }
  if (turns_taken_ == 1) own_bytes_ = std::max<int64_t>(0, PeakMemory::now() - memory_->start());
  memory_.reset();
}

TrainedRun RunTraining::finish() {
  const auto result = training_->finish();
  if (result.stop_reason == "interrupted")
    throw TryAgainError("compare", "interrupted", experiment_.config.output,
                        "run the same command again to continue");
  if (result.best_scores.empty() || !std::isfinite(result.best_scores.front().value))
    throw DataError("compare", "expected a validation score that is a number", run_name(run_));
  const double passes = items_of_weight_ * training_->train_items() / items_;
  config_.resume = false;
  TrainedRun trained{.run = {},
                     .predictions = {},
                     .checkpoint = result.best_checkpoint.string(),
                     .val_scores = result.best_scores,
                     .steps = result.steps,
                     .epochs = passes,
                     .train_seconds = result.train_seconds,
                     .items_per_s = items_of_weight_ * result.items_per_s,
                     .fewer_threads_seconds = result.fewer_threads_seconds,
                     .slice_items_per_s = turns_.items_per_s,
                     .bad_samples = result.bad_samples,
                     .peak_memory_bytes = peak_bytes_,
                     .resolved = resolved_settings(config_, profile_),
                     .recipe = visit_to_json(train::settings_of(*task_, config_)),
                     .recipe_name = recipe_.name,
                     .recipe_reason = recipe_.reason,
                     .curve = curve_of(result, passes)};
  std::erase_if(trained.val_scores, [](const Score& s) { return !std::isfinite(s.value); });
  experiment_.work.keep("train-" + run_name(run_), trained);
  return identified(experiment_, run_, std::move(trained));
}

void train_in_turns(const Experiment& experiment, const std::vector<Contestant>& contestants,
                    std::vector<Failure>& failures) {
  std::vector<std::unique_ptr<RunTraining>> under_way;
  // Once a stop is requested, a slice of any length saves the run and ends it.
  const auto save_all = [&] {
    for (const auto& training : under_way)
      if (training) training->advance(0);
  };
  const auto attempt = [&](const Run& run, const std::function<void()>& work) {
    const auto failure = failure_of(run.model, work);
    if (!failure) return true;
    if (experiment.stop.stop_requested()) {
      save_all();
      std::rethrow_exception(failure->error);
    }
    experiment.progress.line(run_name(run) + " failed: " + failure->message);
    failures.push_back(*failure);
    return false;
  };
  const int64_t resident_bytes = PeakMemory::now();
  const double slice =
      contestants.empty()
          ? 0
          : slice_seconds(experiment.budget.value * contestants.front().run.fraction);
  // The first slice right after the model is made, whose memory is measured with it.
  const auto advance = [&](std::unique_ptr<RunTraining>& training) {
    if (!training->advance(slice)) return;
    training->finish();
    training.reset();
  };
  for (const auto& [run, profile] : contestants) {
    if (find_trained(experiment, run)) continue;
    if (experiment.stop.stop_requested()) save_all();
    experiment.check_stop();
    std::unique_ptr<RunTraining> training;
    attempt(run, [&] {
      training = std::make_unique<RunTraining>(experiment, run, *profile, resident_bytes);
      advance(training);
      if (training) under_way.push_back(std::move(training));
    });
  }
  while (!under_way.empty()) {
    for (auto& training : under_way) {
      const Run run = training->run();
      if (!attempt(run, [&] { advance(training); })) training.reset();
    }
    std::erase(under_way, nullptr);
  }
}

}  // namespace braid::evaluate
