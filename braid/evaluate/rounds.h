// A budget of time for a whole comparison, divided by successive halving: every candidate gets a
// slice, the better half goes on to a longer one, and the finalists are compared under equal
// budgets.
//
// Paper: Jamieson & Talwalkar, https://arxiv.org/abs/1502.07943. Each round trains anew, since a
// schedule belongs to the length of its training.
#pragma once
#include <string>
#include <vector>

#include "braid/evaluate/experiment.h"

namespace braid::evaluate {

struct RoundPlan {
  size_t candidates = 0;  // of that round
  double seconds = 0;     // of training for each of them
};
// One round per halving, then the final, whose candidates are the finalists. Half of the seconds
// are the final's, for each of a finalist's trainings; the rounds before share the other half.
// Three candidates or fewer are finalists at once.
std::vector<RoundPlan> plan_rounds(double seconds, size_t candidates, int64_t trainings);

// What each finalist gets.
Budget final_budget(const std::vector<RoundPlan>& plan);
// For the recommendation: how many there were, and what each finalist got; empty without rounds.
std::string rounds_text(const std::vector<RoundResult>& rounds, double final_seconds);

// Trains the candidates of the rounds before the final and drops the worse half after each, by the
// deciding score on val; one that fails is dropped first. What was spent and who went on is added
// to `rounds`. settings: of the comparison, on which its kept rounds depend. Returns the finalists,
// in the order that the candidates came. Throws what the last failure was where none is left.
std::vector<std::string> qualify(const Experiment& experiment, const Json& settings,
                                 const std::vector<std::string>& candidates,
                                 const std::vector<RoundPlan>& plan,
                                 const std::function<ModelProfile(const std::string&)>& profile,
                                 std::vector<RoundResult>& rounds);

}  // namespace braid::evaluate
