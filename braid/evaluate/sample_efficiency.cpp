#include "braid/evaluate/sample_efficiency.h"

#include <exception>

#include "braid/evaluate/run_training.h"

namespace braid::evaluate {

void SampleEfficiencyProbe::measure(const TrainedRun& run, ModelResult& result) {
  std::vector<EfficiencyPoint> points;
  for (const double fraction : kFractions) {
    const Run part{
        .model = run.run.model, .seed = run.run.seed, .fraction = fraction, .fold = run.run.fold};
    for (const auto& failure : failed_)
      if (failure.what == run_name(part)) std::rethrow_exception(failure.error);
    const auto evaluation = evaluate_run(experiment_, train_run(experiment_, part, profile_));
    points.push_back({fraction, evaluation.scores.front().value});
  }
  // Of the same fold.
  points.push_back({1.0, run.run.fold ? result.fold_scores.at(0) : result.seed_scores.at(0)});
  result.sample_efficiency = std::move(points);
}

}  // namespace braid::evaluate
