#include <filesystem>
#include <map>
#include <memory>

#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"

namespace braid::evaluate {
namespace {

using Trainings = std::vector<torch::Tensor>;  // [N] bool each

// Of each training of a model what it has right; of the folds of a seed, where each is tested on
// its own items, of all of these together. Empty: it is not known.
Trainings right_of(const Experiment& experiment, const std::string& model) {
  Trainings right;
  for (const auto& run : runs_of(experiment, model)) {
    const auto trained = find_trained(experiment, run);
    if (!trained || !std::filesystem::exists(trained->predictions)) return {};
    auto items = experiment.workload.right_items(*trained);
    if (!items) return {};
    right.push_back(std::move(*items));
  }
  if (!is_tested_by_fold(experiment.config, experiment.workload.data())) return right;
  Trainings seeds;
  for (auto first = right.begin(); first != right.end(); first += experiment.config.folds)
    seeds.push_back(torch::cat(Trainings(first, first + experiment.config.folds)));
  return seeds;
}

}  // namespace

FindDifference differences_of(const Experiment& experiment) {
  const auto known = std::make_shared<std::map<std::string, Trainings>>();
  return [&experiment, known](const std::string& a, const std::string& b) {
    for (const auto& model : {a, b})
      if (!known->contains(model)) (*known)[model] = right_of(experiment, model);
    return paired_difference((*known)[a], (*known)[b]);
  };
}

}  // namespace braid::evaluate
