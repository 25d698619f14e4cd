#include <algorithm>

#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"

namespace braid::evaluate {
namespace {

// Chosen by the validation score, so that the test split chooses nothing; null: none was measured.
const ModelResult* best_of(const std::vector<ModelResult>& models, const std::string& family) {
  const ModelResult* best = nullptr;
  for (const auto& model : models) {
    if (model.family != family || !model.score) continue;
    const bool higher = model.score->higher_is_better;
    if (!best ||
        (higher ? *model.val_score > *best->val_score : *model.val_score < *best->val_score))
      best = &model;
  }
  return best;
}

const ModelProfile& profile_of(const std::vector<ModelProfile>& profiles, const std::string& name) {
  return *std::find_if(profiles.begin(), profiles.end(),
                       [&](const ModelProfile& p) { return p.name == name; });
}

// Whose scores are joined: the best run; where each fold is tested on its own items, all folds of
// the first seed.
std::vector<TrainedRun> runs_to_join(const Experiment& experiment,
                                     const std::vector<ModelProfile>& profiles,
                                     const ModelResult& model) {
  const auto& profile = profile_of(profiles, model.name);
  std::vector<TrainedRun> runs;
  for (const auto& run : runs_of(experiment, model.name)) {
    const bool joined = is_tested_by_fold(experiment.config, experiment.workload.data())
                            ? run.seed == experiment.config.seed
                            : run.seed == *model.best_seed && run.fold == model.best_fold;
    if (joined) runs.push_back(train_run(experiment, run, profile));
  }
  return runs;
}

// Both run, one after the other.
Combination both(const Score& score, const ModelResult& a, const ModelResult& b) {
  return {.score = score,
          .params = *a.params + *b.params,
          .macs = *a.macs + *b.macs,
          .latency_ms_p50 = *a.latency_ms_p50 + *b.latency_ms_p50,
          .latency_ms_p95 = *a.latency_ms_p95 + *b.latency_ms_p95,
          .checkpoint = std::nullopt};
}

Combination distillation(const Experiment& experiment, const ModelProfile& student, int64_t seed,
                         const ModelResult& teacher) {
  Run run = runs_of(experiment, student.name).front();
  run.seed = seed;
  run.fold = teacher.best_fold;  // the student must not be tested on what it learned from
  run.teacher = Teacher{.model = teacher.name,
                        .seed = *teacher.best_seed,
                        .checkpoint = *teacher.checkpoint,
                        .macs = *teacher.macs};
  const auto trained = train_run(experiment, run, student);
  const auto evaluated = evaluate_run(experiment, trained);
  ModelResult result = describe_model(student);
  LatencyProbe latency(experiment);
  run_probe(experiment, latency, trained, result);
  return {.score = evaluated.scores.at(0),
          .params = student.params,
          .macs = student.macs,
          .latency_ms_p50 = *result.latency_ms_p50,
          .latency_ms_p95 = *result.latency_ms_p95,
          .checkpoint = trained.checkpoint};
}

}  // namespace

std::optional<FusionResult> measure_fusion(const Experiment& experiment,
                                           const std::vector<ModelProfile>& profiles,
                                           const std::vector<ModelResult>& models,
                                           std::vector<Failure>& failures) {
  const auto* cnn = best_of(models, "cnn");
  const auto* transformer = best_of(models, "transformer");
  if (!cnn || !transformer) return std::nullopt;
  const auto* hybrid = best_of(models, "hybrid");
  FusionResult fusion;
  fusion.cnn = cnn->name;
  fusion.transformer = transformer->name;
  if (hybrid) fusion.hybrid = hybrid->name;
  if (const auto joined =
          experiment.workload.join(runs_to_join(experiment, profiles, *cnn),
                                   runs_to_join(experiment, profiles, *transformer))) {
    fusion.late_fusion = both(joined->late_fusion, *cnn, *transformer);
    fusion.overlap = joined->overlap;
    fusion.oracle_score = joined->overlap.oracle();
  }
  if (experiment.config.distill && experiment.workload.can_distill()) {
    const auto failure = failure_of("distillation", [&] {
      fusion.distillation = distillation(experiment, profile_of(profiles, transformer->name),
                                         *transformer->best_seed, *cnn);
    });
    experiment.check_stop();
    if (failure) failures.push_back(*failure);
  }
  return fusion;
}

}  // namespace braid::evaluate
