#include "braid/evaluate/announce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "braid/core/error.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"
#include "braid/evaluate/sample_efficiency.h"

namespace braid::evaluate {
namespace {

// Of a class, where one split of them says little.
constexpr int64_t kFewTested = 30;

std::string duration(double seconds) {
  constexpr double kTen = 10;  // no estimate is better than that
  if (seconds < 90)
    return fmt::format("{:.0f} seconds", kTen * std::max(1.0, std::ceil(seconds / kTen)));
  const auto minutes = static_cast<int64_t>(std::lround(seconds / 60));
  return minutes < 120 ? fmt::format("{} minutes", minutes)
                       : fmt::format("{:.1f} hours", seconds / 3600);
}

}  // namespace

void announce(const Experiment& experiment, const std::vector<ModelProfile>& profiles) {
  const auto& c = experiment.config;
  const auto& data = experiment.workload.data();
  const auto skipped = [&](const std::string& part) {
    return std::find(c.skip.begin(), c.skip.end(), part) != c.skip.end();
  };
  const auto trainings = static_cast<double>(c.seeds * c.folds);
  double fractions = 0, parts = 0;
  if (!skipped(SampleEfficiencyProbe::kName))
    for (const double fraction : SampleEfficiencyProbe::kFractions) fractions += fraction, ++parts;
  const double tested = static_cast<double>(data.test) /
                        (is_tested_by_fold(c, data) ? static_cast<double>(c.folds) : 1);
  double evaluated = static_cast<double>(data.val) * (trainings + fractions) +
                     tested * (trainings + parts);  // items
  for (const auto& probe : experiment.workload.probes(experiment.progress))
    if (!skipped(probe->name())) evaluated += probe->items();
  double seconds = 0;
  double taught = 0;  // the longest training of a Transformer, which a teacher repeats
  bool has_cnn = false;
  for (const auto& p : profiles) {
    double one = experiment.budget.value;
    const double rate = p.train_items_per_s;
    if (experiment.budget.kind == BudgetKind::kEpochs)
      one *= static_cast<double>(data.train) / rate;
    if (experiment.budget.kind == BudgetKind::kFlops)
      one /= training_flops(std::max<int64_t>(1, p.train_macs)) * rate;
    seconds += one * (trainings + fractions) + evaluated / p.forward_items_per_s;
    has_cnn = has_cnn || p.taxonomy.family == "cnn";
    if (p.taxonomy.family == "transformer") taught = std::max(taught, one);
  }
  if (c.distill && has_cnn) seconds += taught;
  experiment.progress.line(fmt::format(
      "Comparing {} models on {} ({} training {}), {} each{}: about "
      "{} in all{}.",
      profiles.size(), c.data, data.train, data.items, experiment.budget.text,
      c.folds > 1 ? fmt::format(" and {} folds", c.folds) : "", duration(seconds),
      c.deploy == kNotDeployed ? "" : ", and what exporting for " + c.deploy + " takes"));
  const auto classes = static_cast<int64_t>(data.classes.size());
  if (c.folds == 1 && experiment.workload.can_fold() && data.test_split == "val" &&
      data.val < kFewTested * classes)
    experiment.progress.line(
        fmt::format("{} {} validate and test: --folds 5 would test on all {}, in five times the "
                    "time.",
                    data.val, data.items, data.train + data.val));
}

void check_one_step(const Experiment& experiment, const ModelProfile& profile) {
  if (experiment.budget.kind != BudgetKind::kFlops) return;  // epochs are whole, a time is rough
  const double steps =
      affordable_steps(experiment, runs_of(experiment, profile.name).front(), profile);
  if (steps >= 1) return;
  throw UsageError(
      "compare",
      fmt::format("expected at least the {:.2g} operations of one step of {}, got {}",
                  experiment.budget.value / steps, profile.name, experiment.budget.text),
      "--budget", "give more, or a smaller --batch-size");
}

void warn_of_short_budget(const Experiment& experiment, const std::vector<ModelProfile>& profiles) {
  const auto& data = experiment.workload.data();
  if (experiment.budget.kind == BudgetKind::kEpochs) return;
  for (const auto& profile : profiles) {
    const auto run = runs_of(experiment, profile.name).front();
    const double passes = affordable_passes(experiment, run, profile);
    if (affordable_steps(experiment, run, profile) < 1)
      experiment.progress.line(fmt::format(
          "{} takes about as long as this budget, or longer, for a single step.", profile.name));
    else if (passes < 1)
      experiment.progress.line(fmt::format(
          "{} finishes no epoch in this budget: it sees about {}% of the {} "
          "training {}.",
          profile.name,
          passes < 0.1 ? fmt::format("{:.2g}", 100 * passes) : fmt::format("{:.0f}", 100 * passes),
          data.train, data.items));
  }
}

}  // namespace braid::evaluate
