#include "braid/evaluate/rounds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "braid/core/error.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/run_training.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFinalists = 3;      // at most
constexpr double kFinalShare = 0.75;  // of the seconds: what ships is trained in them

// So many take part where the plan has other numbers of candidates: together they get its seconds.
Budget seconds_each(const RoundPlan& round, size_t models) {
  const double seconds =
      round.seconds * static_cast<double>(round.candidates) / static_cast<double>(models);
  return {BudgetKind::kTime, seconds, fmt::format("time={:.3g}s", seconds), /*shared=*/true};
}

std::string message_of(const std::vector<Failure>& failures, const std::string& model) {
  for (const auto& failure : failures)
    if (failure.what == model) return failure.message;
  throw InternalError("compare", "a candidate has neither a score nor an error", model);
}

// The profiles of those that have one.
std::vector<ModelProfile> look_at(const Experiment& experiment,
                                  const std::vector<std::string>& names,
                                  const std::function<ModelProfile(const std::string&)>& profile,
                                  std::vector<Failure>& failures) {
  std::vector<ModelProfile> profiles;
  for (const auto& name : names) {
    const auto failure = failure_of(name, [&] { profiles.push_back(profile(name)); });
    if (!failure) continue;
    if (experiment.stop.stop_requested()) std::rethrow_exception(failure->error);
    experiment.progress.line(name + " failed: " + failure->message);
    failures.push_back(*failure);
  }
  return profiles;
}

// names: the profiles' and those of candidates that have none.
RoundResult hold_round(const Experiment& experiment, const std::vector<std::string>& names,
                       const std::vector<ModelProfile>& profiles, size_t survivors,
                       std::vector<Failure>& failures) {
  std::vector<Contestant> contestants;
  for (const auto& p : profiles) contestants.push_back({runs_of(experiment, p.name).front(), &p});
  train_in_turns(experiment, contestants, failures);
  std::vector<std::pair<Score, std::string>> scores;
  for (const auto& contestant : contestants)
    if (const auto trained = find_trained(experiment, contestant.run))
      scores.emplace_back(trained->val_scores.front(), trained->run.model);
  if (scores.empty()) std::rethrow_exception(failures.back().error);
  std::stable_sort(scores.begin(), scores.end(),
                   [](const auto& a, const auto& b) { return tasks::better(a.first, b.first); });
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < scores.size(); ++i) places[scores[i].second] = i;
  RoundResult round{.seconds = experiment.budget.value, .models = {}};
  for (const auto& name : names) {
    const auto place = places.find(name);
    RoundModel& model = round.models.emplace_back();
    model.name = name;
    if (place == places.end()) {
      model.error = message_of(failures, name);
      continue;
    }
    model.val_score = scores[place->second].first.value;
    model.goes_on = place->second < survivors;
  }
  return round;
}

}  // namespace

std::vector<RoundPlan> plan_rounds(double seconds, size_t candidates, int64_t trainings) {
  std::vector<RoundPlan> plan;
  for (; candidates > kFinalists; candidates = (candidates + 1) / 2)
    plan.push_back({.candidates = candidates});
  const double for_final = plan.empty() ? seconds : seconds * kFinalShare;
  for (auto& round : plan)
    round.seconds = (seconds - for_final) / static_cast<double>(plan.size()) /
                    static_cast<double>(round.candidates);
  plan.push_back({candidates, for_final / static_cast<double>(candidates) /
                                  static_cast<double>(std::max<int64_t>(1, trainings))});
  return plan;
}

Budget final_budget(const std::vector<RoundPlan>& plan, size_t finalists) {
  return seconds_each(plan.back(), finalists);
}

std::string rounds_text(const std::vector<RoundResult>& rounds, double final_seconds) {
  if (rounds.empty()) return "";
  size_t finalists = 0;
  std::vector<std::string> failed;
  for (const auto& round : rounds)
    for (const auto& model : round.models)
      if (model.error) failed.push_back(model.name);
  for (const auto& model : rounds.back().models) finalists += model.goes_on ? 1 : 0;
  return fmt::format(
      "Of {} candidates the {} finalists were trained for {:.3g} s each{}.",
      rounds.front().models.size(), finalists, final_seconds,
      failed.empty() ? "" : fmt::format("; {} failed before", fmt::join(failed, ", ")));
}

Qualification qualify(const Experiment& experiment, const Json& settings,
                      const std::vector<std::string>& candidates,
                      const std::vector<RoundPlan>& plan,
                      const std::function<ModelProfile(const std::string&)>& profile) {
  Qualification all{.finalists = candidates, .rounds = {}, .failures = {}};
  for (size_t k = 0; k + 1 < plan.size(); ++k) {
    auto& names = all.finalists;
    const auto profiles = look_at(experiment, names, profile, all.failures);
    if (profiles.empty()) std::rethrow_exception(all.failures.back().error);
    const auto folder =
        fs::path(experiment.config.output) / "work" / fmt::format("round-{}", k + 1);
    CompareConfig config = experiment.config;
    config.output = folder.string();
    const Experiment round_experiment{.config = config,
                                      .budget = seconds_each(plan[k], profiles.size()),
                                      .workload = experiment.workload,
                                      .work = WorkFolder(folder / "work", settings),
                                      .stop = experiment.stop,
                                      .progress = experiment.progress};
    experiment.progress.line(fmt::format("Round {}: {} models, {:.3g} s each.", k + 1,
                                         profiles.size(), round_experiment.budget.value));
    all.rounds.push_back(
        hold_round(round_experiment, names, profiles, plan[k + 1].candidates, all.failures));
    names.clear();
    for (const auto& model : all.rounds.back().models)
      if (model.goes_on) names.push_back(model.name);
    experiment.progress.line(fmt::format("Going on: {}.", fmt::join(names, ", ")));
  }
  return all;
}

}  // namespace braid::evaluate
