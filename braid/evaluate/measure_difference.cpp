#include <filesystem>
#include <map>
#include <memory>

#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"

namespace braid::evaluate {
namespace {

// Of each training of a model; empty: it is not known.
std::vector<RightItems> right_of(const Experiment& experiment, const std::string& model) {
  const bool by_fold = is_tested_by_fold(experiment.config, experiment.workload.data());
  const auto folds = static_cast<size_t>(by_fold ? experiment.config.folds : 1);
  std::vector<RightItems> trainings;
  const auto runs = runs_of(experiment, model);
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto trained = find_trained(experiment, runs[i]);
    if (!trained || !std::filesystem::exists(trained->predictions)) return {};
    auto items = experiment.workload.right_items(*trained);
    if (!items) return {};
    if (i % folds == 0) trainings.emplace_back();
    trainings.back().push_back(std::move(*items));
  }
  return trainings;
}

}  // namespace

FindDifference differences_of(const Experiment& experiment) {
  const auto known = std::make_shared<std::map<std::string, std::vector<RightItems>>>();
  return [&experiment, known](const std::string& a, const std::string& b) {
    for (const auto& model : {a, b}) {
      if (known->contains(model)) continue;
      auto& right = (*known)[model];
      const auto failure =
          failure_of("what " + model + " has right", [&] { right = right_of(experiment, model); });
      if (failure) experiment.progress.line(failure->what + " cannot be told: " + failure->message);
    }
    return paired_difference(known->at(a), known->at(b));
  };
}

}  // namespace braid::evaluate
