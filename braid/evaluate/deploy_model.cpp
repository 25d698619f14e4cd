#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/deploy/deploy_target.h"
#include "braid/evaluate/experiment.h"
#include "braid/evaluate/run_training.h"
#include "braid/evaluate/seed_mean.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

Deployed deploy_run(const Experiment& experiment, const DeployTarget& target,
                    const TrainedRun& run) {
  const auto run_as = run_name(run.run);
  const std::string part = "deploy-" + target.name + "-" + run_as;
  const auto folder = fs::path(experiment.config.output) / "deployed" / run_as;
  const auto file = folder / (target.int8 ? "model.int8.onnx" : "model.onnx");
  if (auto kept = experiment.work.find<Deployed>(part); kept && fs::exists(file)) return *kept;
  experiment.check_stop();
  fs::create_directories(folder);
  auto deployed = experiment.workload.deploy(run, target, file, experiment.progress);
  std::erase_if(deployed.scores, [](const Score& s) { return !std::isfinite(s.value); });
  if (deployed.scores.empty())
    throw DataError("compare", "expected a score that is a number", file.string());
  experiment.work.keep(part, deployed);
  return deployed;
}

// How much worse the deployed model is, in the score's unit.
double loss_of(const Score& trained, const Score& deployed) {
  const double lost = trained.value - deployed.value;
  return trained.higher_is_better ? lost : -lost;
}

}  // namespace

void deploy_model(const Experiment& experiment, const DeployTarget& target,
                  const ModelProfile& profile, ModelResult& result) {
  const auto& config = experiment.config;
  Deployed best;
  std::vector<Scores> scores;
  double lost = 0;
  for (int64_t k = 0; k < config.seeds; ++k) {
    const Run run{.model = profile.name, .seed = config.seed + k};
    const auto trained = train_run(experiment, run, profile);
    auto deployed = deploy_run(experiment, target, trained);
    scores.push_back(deployed.scores);
    lost += loss_of(evaluate_run(experiment, trained).scores.at(0), deployed.scores[0]);
    if (run.seed == result.best_seed) best = std::move(deployed);
  }
  best.scores = mean_scores(scores);
  best.score = best.scores.at(0);
  best.drop = lost / static_cast<double>(config.seeds);
  result.deployed = std::move(best);
}

}  // namespace braid::evaluate
