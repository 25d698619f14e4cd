// A budget of time for a whole comparison, divided by successive halving: every candidate gets a
// slice, the better half goes on to a longer one, and the finalists are compared under equal
// budgets.
//
// Paper: Jamieson & Talwalkar, https://arxiv.org/abs/1502.07943. Each round trains anew, since a
// schedule belongs to the length of its training.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "braid/evaluate/experiment.h"

namespace braid::evaluate {

struct RoundPlan {
  size_t candidates = 0;  // of that round
  double seconds = 0;     // of training for each of them
};
// One round per halving, then the final, whose candidates are the finalists. Three quarters of the
// seconds are the final's, for each of a finalist's trainings; the rounds before share the rest.
// Three candidates or fewer are finalists at once.
std::vector<RoundPlan> plan_rounds(double seconds, size_t candidates, int64_t trainings);

// What each of so many finalists gets: where rounds lost more candidates than planned, those that
// are left share the seconds of the final.
Budget final_budget(const std::vector<RoundPlan>& plan, size_t finalists);
// For the recommendation: how many there were, what each finalist got, and who failed before;
// empty without rounds.
std::string rounds_text(const std::vector<RoundResult>& rounds, double final_seconds);

struct Qualification {
  std::vector<std::string> finalists;  // in the order that the candidates came
  std::vector<RoundResult> rounds;     // what was spent, and who went on
  std::vector<Failure> failures;       // of candidates, in any round
};
// Trains the candidates of the rounds before the final and drops the worse half after each, by the
// deciding score on val; one that fails is dropped first, and the others share its seconds in the
// rounds to come. settings: of the comparison, on which its kept rounds depend. Throws what the
// last failure was where none is left.
Qualification qualify(const Experiment& experiment, const Json& settings,
                      const std::vector<std::string>& candidates,
                      const std::vector<RoundPlan>& plan,
                      const std::function<ModelProfile(const std::string&)>& profile);

}  // namespace braid::evaluate
