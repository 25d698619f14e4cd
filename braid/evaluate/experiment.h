// One comparison at work: what its parts share, and the parts. Each is kept once it is done, so
// that a comparison that was cut off goes on where it was.
#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/difference.h"
#include "braid/evaluate/failure.h"
#include "braid/evaluate/probe.h"
#include "braid/evaluate/result.h"
#include "braid/evaluate/run.h"
#include "braid/evaluate/work_folder.h"
#include "braid/evaluate/workload.h"
#include "braid/train/config.h"

namespace braid::evaluate {

struct Experiment {
  const CompareConfig& config;
  Budget budget;
  const Workload& workload;
  WorkFolder work;
  std::stop_token stop;
  Progress& progress;
  // Throws TryAgainError once the comparison was asked to stop.
  void check_stop() const;
};

// The trainings of a model on all of the data: for each seed one of each fold, seeds first.
std::vector<Run> runs_of(const Experiment& experiment, const std::string& model);

// Throws DataError when the deciding score is not a number.
TestResult evaluate_run(const Experiment& experiment, const TrainedRun& run);
void run_probe(const Experiment& experiment, Probe& probe, const TrainedRun& run,
               ModelResult& result);

// Of one item, and of large batches.
class LatencyProbe final : public Probe {
 public:
  explicit LatencyProbe(const Experiment& experiment) : experiment_(experiment) {}
  std::string name() const override { return "latency"; }
  void measure(const TrainedRun& run, ModelResult& result) override;

 private:
  const Experiment& experiment_;
};

// What is known of a model that was not measured.
ModelResult describe_model(const ModelProfile& profile);
// Everything that is measured of one architecture. What is measured beside scores and latency may
// fail by itself: it is missing then. failed_parts: of trainings on a share of the data, by
// run_name(), which are not repeated. failures: gets those.
ModelResult measure_model(const Experiment& experiment, const ModelProfile& profile,
                          const std::vector<Failure>& failed_parts, std::vector<Failure>& failures);

// The measured model as it ships (result.deployed): the scores are those of all its trainings,
// file and times those of the best one.
void deploy_model(const Experiment& experiment, const DeployTarget& target,
                  const ModelProfile& profile, ModelResult& result);

// How far the scores of two models that were measured are apart, from what each of their trainings
// has right. experiment: outlives it.
FindDifference differences_of(const Experiment& experiment);

// The best CNN and the best Transformer by the validation score, and what joining them gains;
// nothing when the measured models lack one of the two. failures: gets that of the distillation.
std::optional<FusionResult> measure_fusion(const Experiment& experiment,
                                           const std::vector<ModelProfile>& profiles,
                                           const std::vector<ModelResult>& models,
                                           std::vector<Failure>& failures);

}  // namespace braid::evaluate
