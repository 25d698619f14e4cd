#include "braid/evaluate/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"

namespace braid::evaluate {
namespace {

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

std::vector<Run> runs_of(const Experiment& experiment, const std::string& model) {
  const auto& config = experiment.config;
  std::vector<Run> runs;
  for (int64_t seed = 0; seed < config.seeds; ++seed)
    for (int64_t fold = 0; fold < config.folds; ++fold) {
      Run& run = runs.emplace_back();
      run.model = model;
      run.seed = config.seed + seed;
      if (config.folds > 1) run.fold = fold;
      if (experiment.budget.shared) run.seconds = experiment.budget.value;
    }
  return runs;
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
  const auto latency = measure_latency(*experiment_.workload.inference(run),
                                       {.max_seconds = experiment_.config.latency_seconds});
  result.latency_ms_p50 = latency.p50_ms;
  result.latency_ms_p95 = latency.p95_ms;
  result.throughput_items_per_s = latency.items_per_s;
}

}  // namespace braid::evaluate
