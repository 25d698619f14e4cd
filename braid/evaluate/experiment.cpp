#include "braid/evaluate/experiment.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/evaluate/peak_memory.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/process.h"
#include "braid/train/checkpoints.h"
#include "braid/train/run_folder.h"
#include "braid/train/trainer.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

// The recipes speak of a run of ten epochs: warm-up of one is a tenth of any budget.
constexpr double kRecipeEpochs = 10;

fs::path run_folder(const Experiment& experiment, const Run& run) {
  const bool whole = run.fraction == 1;
  return fs::path(experiment.config.output) / (whole ? "models" : "work") / run_name(run);
}

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<CurvePoint> curve_of(const train::TrainResult& result, double items,
                                 int64_t batch_size) {
  std::vector<CurvePoint> curve;
  double seconds = 0;
  for (const auto& epoch : result.history) {
    seconds += epoch.seconds;
    CurvePoint& point = curve.emplace_back();
    point.epoch = static_cast<double>(epoch.step * batch_size) / items;
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

// The fields of `now` that `before` has not, or not so.
Json changed_fields(const ModelResult& before, const ModelResult& now) {
  const Json old = braid::to_json(before);
  Json changed = Json::object();
  const Json written = braid::to_json(now);
  for (const auto& [key, value] : written.items())
    if (value != old.at(key)) changed[key] = value;
  return changed;
}

}  // namespace

void Experiment::check_stop() const {
  if (stop.stop_requested())
    throw TryAgainError("compare", "interrupted", config.output,
                        "run the same command again to continue");
}

train::RunConfig run_config(const Experiment& experiment, const Run& run,
                            const ModelProfile& profile) {
  const auto& c = experiment.config;
  auto config = experiment.workload.recipe(run);
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
  config.epochs = limits.epochs > 0 ? limits.epochs : static_cast<int64_t>(kRecipeEpochs);
  config.max_train_seconds = limits.seconds;
  config.max_steps = limits.steps;
  config.schedule.warmup_epochs *= static_cast<double>(config.epochs) / kRecipeEpochs;
  return config;
}

TrainedRun train_run(const Experiment& experiment, const Run& run, const ModelProfile& profile) {
  const std::string name = "train-" + run_name(run);
  const auto identified = [&](TrainedRun trained) {
    trained.run = run;
    trained.predictions = experiment.work.path() / ("scores-" + run_name(run) + ".safetensors");
    return trained;
  };
  if (auto kept = experiment.work.find<TrainedRun>(name)) return identified(std::move(*kept));
  experiment.check_stop();
  auto config = run_config(experiment, run, profile);
  config.resume = fs::exists(fs::path(config.output) / "last");
  const PeakMemory memory;
  const auto task =
      experiment.workload.make_task(run, train::checkpoint_to_resume(config), experiment.progress);
  runtime::seed_generators(config.seed);
  const auto result = train::train(*task, config, experiment.stop, experiment.progress);
  if (result.stop_reason == "interrupted")
    throw TryAgainError("compare", "interrupted", experiment.config.output,
                        "run the same command again to continue");
  if (result.best_scores.empty() || !std::isfinite(result.best_scores.front().value))
    throw DataError("compare", "expected a validation score that is a number", run_name(run));
  const auto items = static_cast<double>(experiment.workload.training_items(run));
  config.resume = false;
  TrainedRun trained{.run = {},
                     .predictions = {},
                     .checkpoint = result.best_checkpoint.string(),
                     .val_scores = result.best_scores,
                     .steps = result.steps,
                     .epochs = static_cast<double>(result.steps * config.batch_size) / items,
                     .train_seconds = result.train_seconds,
                     .items_per_s = result.items_per_s,
                     .bad_samples = result.bad_samples,
                     .peak_memory_bytes = memory.bytes(),
                     .resolved = resolved_settings(config, profile),
                     .recipe = visit_to_json(train::settings_of(*task, config)),
                     .curve = curve_of(result, items, config.batch_size)};
  std::erase_if(trained.val_scores, [](const Score& s) { return !std::isfinite(s.value); });
  experiment.work.keep(name, trained);
  return identified(std::move(trained));
}

TestResult evaluate_run(const Experiment& experiment, const TrainedRun& run) {
  const std::string name = "evaluate-" + run_name(run.run);
  if (auto kept = experiment.work.find<TestResult>(name)) return *kept;
  experiment.check_stop();
  auto evaluation = experiment.workload.evaluate(run, experiment.progress);
  if (evaluation.scores.empty() || !std::isfinite(evaluation.scores.front().value))
    throw DataError("compare",
                    fmt::format("expected a {} that is a number",
                                evaluation.scores.empty() ? "score" : evaluation.scores[0].name),
                    run_name(run.run));
  std::erase_if(evaluation.scores, [](const Score& s) { return !std::isfinite(s.value); });
  experiment.work.keep(name, evaluation);
  return evaluation;
}

void run_probe(const Experiment& experiment, Probe& probe, const TrainedRun& run,
               ModelResult& result) {
  const std::string name = probe.name() + "-" + run_name(run.run);
  if (experiment.work.update(name, result)) return;
  experiment.check_stop();
  const ModelResult before = result;
  probe.measure(run, result);
  experiment.work.keep(name, changed_fields(before, result));
}

void LatencyProbe::measure(const TrainedRun& run, ModelResult& result) {
  const auto latency = measure_latency(*workload_.inference(run));
  result.latency_ms_p50 = latency.p50_ms;
  result.latency_ms_p95 = latency.p95_ms;
  result.throughput_items_per_s = latency.items_per_s;
}

void SampleEfficiencyProbe::measure(const TrainedRun& run, ModelResult& result) {
  std::vector<EfficiencyPoint> points;
  for (const double fraction : kFractions) {
    const Run part{.model = run.run.model, .seed = run.run.seed, .fraction = fraction};
    const auto evaluation = evaluate_run(experiment_, train_run(experiment_, part, profile_));
    points.push_back({fraction, evaluation.scores.front().value});
  }
  points.push_back({1.0, result.seed_scores.at(0)});
  result.sample_efficiency = std::move(points);
}

}  // namespace braid::evaluate
