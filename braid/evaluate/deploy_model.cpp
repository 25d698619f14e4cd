#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

Deployed deploy_run(const Experiment& experiment, const DeployTarget& target,
                    const TrainedRun& run) {
  const auto run_as = run_name(run.run);
  const std::string part = "deploy-" + target.name + "-" + run_as;
  const auto folder = fs::path(experiment.config.output) / "deployed" / run_as;
  const auto file = folder / experiment.workload.deployed_name(target);
  auto kept = experiment.work.find<Deployed>(part);
  if (kept && kept->bytes && shipped_bytes(file) == *kept->bytes) {
    kept->file = file.string();  // the comparison's folder may have been moved
    return *kept;
  }
  experiment.check_stop();
  fs::create_directories(folder);
  auto deployed = experiment.workload.deploy(run, target, file, experiment.progress);
  std::erase_if(deployed.scores, [](const Score& s) { return !std::isfinite(s.value); });
  if (deployed.scores.empty())
    throw DataError("compare", "expected a score that is a number", file.string());
  experiment.work.keep(part, deployed);
  return deployed;
}

}  // namespace

void deploy_model(const Experiment& experiment, const DeployTarget& target,
                  const ModelProfile& profile, ModelResult& result) {
  const auto& config = experiment.config;
  Deployed best;
  std::vector<Scores> scores;
  for (const auto& run : runs_of(experiment, profile.name)) {
    auto deployed = deploy_run(experiment, target, train_run(experiment, run, profile));
    scores.push_back(deployed.scores);
    if (run.seed == result.best_seed && run.fold == result.best_fold) best = std::move(deployed);
  }
  best.scores = scores_of_runs(config, experiment.workload.data(), scores);
  best.score = best.scores.at(0);
  const double lost = result.score->value - best.score->value;
  best.drop = best.score->higher_is_better ? lost : -lost;
  result.deployed = std::move(best);
}

}  // namespace braid::evaluate
