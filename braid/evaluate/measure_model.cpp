#include <algorithm>
#include <cmath>
#include <numeric>

#include "braid/evaluate/class_scores.h"
#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"
#include "braid/evaluate/sample_efficiency.h"
#include "braid/evaluate/turns.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

template <class T, class Get>
double mean_of(const std::vector<T>& list, Get get) {
  std::vector<double> values;
  for (const auto& item : list) values.push_back(get(item));
  return mean(values);
}

int64_t folder_bytes(const fs::path& folder) {
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

// What the first seed's folds, each tested on its own items, come to; else the first run's.
TestResult first_tested(const Experiment& experiment, const std::vector<TestResult>& runs) {
  TestResult all = runs[0];
  if (!is_tested_by_fold(experiment.config, experiment.workload.data())) return all;
  for (size_t fold = 1; fold < static_cast<size_t>(experiment.config.folds); ++fold) {
    const TestResult& more = runs.at(fold);
    if (all.confusion && more.confusion)
      for (size_t row = 0; row < all.confusion->size(); ++row)
        for (size_t column = 0; column < all.confusion->at(row).size(); ++column)
          (*all.confusion)[row][column] += more.confusion->at(row).at(column);
    all.misclassified.insert(all.misclassified.end(), more.misclassified.begin(),
                             more.misclassified.end());
  }
  std::stable_sort(all.misclassified.begin(), all.misclassified.end(),
                   [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
  if (all.misclassified.size() > kMistakesShown) all.misclassified.resize(kMistakesShown);
  return all;
}

// The first of the best on the validation split.
size_t best_run(const std::vector<TrainedRun>& trained) {
  size_t best = 0;
  for (size_t i = 1; i < trained.size(); ++i)
    if (tasks::better(trained[i].val_scores.at(0), trained[best].val_scores.at(0))) best = i;
  return best;
}

void describe_turns(const std::vector<TrainedRun>& trained, ModelResult& result) {
  std::vector<double> lost;
  for (const auto& run : trained)
    if (const auto speeds = turn_speeds(run.slice_items_per_s)) {
      result.slowest_turn = std::min(result.slowest_turn.value_or(1), speeds->slowest);
      lost.push_back(speeds->lost);
    }
  if (!lost.empty()) result.lost_speed = mean(lost);
}

}  // namespace

ModelResult describe_model(const ModelProfile& profile) {
  ModelResult result;
  result.name = profile.name;
  result.family = profile.taxonomy.family;
  result.fusion = profile.taxonomy.fusion;
  result.params = profile.params;
  result.macs = profile.macs;
  result.train_macs = profile.train_macs;
  return result;
}

ModelResult measure_model(const Experiment& experiment, const ModelProfile& profile,
                          const std::vector<Failure>& failed_parts,
                          std::vector<Failure>& failures) {
  const auto& config = experiment.config;
  std::vector<TrainedRun> trained;
  std::vector<TestResult> evaluated;
  for (const auto& run : runs_of(experiment, profile.name)) {
    trained.push_back(train_run(experiment, run, profile));
    evaluated.push_back(evaluate_run(experiment, trained.back()));
  }
  const auto best = best_run(trained);

  ModelResult result = describe_model(profile);
  std::vector<Scores> scores;
  for (const auto& run : evaluated) scores.push_back(run.scores);
  result.scores = scores_of_runs(config, experiment.workload.data(), scores);
  result.score = result.scores.at(0);
  for (auto first = evaluated.begin(); first != evaluated.end(); first += config.folds)
    result.seed_scores.push_back(
        mean_of(std::vector<TestResult>(first, first + config.folds),
                [](const TestResult& run) { return run.scores.at(0).value; }));
  if (config.folds > 1)
    for (const auto& run : evaluated) result.fold_scores.push_back(run.scores.at(0).value);
  result.val_score = mean_of(trained, [](const auto& t) { return t.val_scores.at(0).value; });
  result.best_seed = trained[best].run.seed;
  result.best_fold = trained[best].run.fold;
  result.train_items_per_s = mean_of(trained, [](const auto& t) { return t.items_per_s; });
  result.train_seconds = mean_of(trained, [](const auto& t) { return t.train_seconds; });
  result.fewer_threads_seconds =
      mean_of(trained, [](const auto& t) { return t.fewer_threads_seconds; });
  result.epochs = mean_of(trained, [](const auto& t) { return t.epochs; });
  for (const auto& t : trained)
    result.peak_memory_bytes = std::max(result.peak_memory_bytes, t.peak_memory_bytes);
  result.checkpoint = trained[best].checkpoint;
  result.checkpoint_bytes = folder_bytes(trained[best].checkpoint);
  result.bad_samples = trained[0].bad_samples + evaluated[0].bad_samples;
  result.resolved = trained[0].resolved;
  result.recipe = trained[0].recipe;
  result.recipe_name = trained[0].recipe_name;
  result.recipe_reason = trained[0].recipe_reason;
  result.slice_items_per_s = trained[0].slice_items_per_s;
  describe_turns(trained, result);
  const auto items = static_cast<double>(experiment.workload.training_items(trained[0].run));
  result.items_seen = *result.epochs * items;
  result.curve = trained[0].curve;
  const auto tested = first_tested(experiment, evaluated);
  result.confusion = tested.confusion;
  result.misclassified = tested.misclassified;

  const auto run = [&](Probe& probe) {
    if (std::find(config.skip.begin(), config.skip.end(), probe.name()) == config.skip.end())
      run_probe(experiment, probe, trained[0], result);
  };
  LatencyProbe latency(experiment);
  run(latency);
  const auto try_to_run = [&](Probe& probe) {
    const auto failure = failure_of(probe.name() + " of " + profile.name, [&] { run(probe); });
    if (!failure) return;
    if (experiment.stop.stop_requested()) std::rethrow_exception(failure->error);
    experiment.progress.line(failure->what + " failed: " + failure->message);
    failures.push_back(*failure);
  };
  for (const auto& probe : experiment.workload.probes(experiment.progress)) try_to_run(*probe);
  SampleEfficiencyProbe efficiency(experiment, profile, failed_parts);
  try_to_run(efficiency);
  return result;
}

}  // namespace braid::evaluate
