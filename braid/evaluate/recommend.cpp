#include "braid/evaluate/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace braid::evaluate {
namespace {

constexpr double kSameLatency = 1.05;
// Below this share of its usual speed in some turn, a training was disturbed.
constexpr double kUndisturbed = 0.6;
// Shares of their speed that models lost and that are no further apart are alike.
constexpr double kLostAlike = 0.1;

// What the choice looks at of a model that was measured.
struct Candidate {
  std::string name;
  Score score;
  double low = 0, high = 0;  // of the score's interval, its value where none is known
  double latency_ms = 0;
  int64_t params = 0;
  std::optional<int64_t> bytes = {};  // of the file, of a model that is deployed

  int64_t size() const { return bytes.value_or(params); }
};
using Candidates = std::vector<const Candidate*>;

std::optional<Candidate> candidate_of(const ModelResult& model, const Preference& p) {
  const Deployed none;
  const bool deploys = !p.deploy.empty();
  const Deployed& deployed = model.deployed ? *model.deployed : none;
  const auto& score = deploys ? deployed.score : model.score;
  const auto& latency = deploys ? deployed.latency_ms_p50 : model.latency_ms_p50;
  if (!score || !latency) return std::nullopt;
  return Candidate{.name = model.name,
                   .score = *score,
                   .low = score->low.value_or(score->value),
                   .high = score->high.value_or(score->value),
                   .latency_ms = *latency,
                   .params = model.params.value_or(0),
                   .bytes = deploys ? deployed.bytes : std::nullopt};
}

// By the deployed models only where there are any.
Preference feasible(const std::vector<ModelResult>& models, Preference p) {
  if (std::none_of(models.begin(), models.end(),
                   [&](const auto& model) { return candidate_of(model, p); }))
    p.deploy.clear();
  return p;
}

bool within_limits(const Candidate& c, const Preference& p) {
  return (!p.max_latency_ms || c.latency_ms <= *p.max_latency_ms) &&
         (!p.max_params || c.params <= *p.max_params);
}

std::string full_text(const Candidate& c) {
  return score_text(c.score) +
         (c.low < c.high ? fmt::format(" (95% interval {:.2f} to {:.2f})", c.low, c.high) : "");
}

// How far two scores are apart: "2.23 points", "0.40 nats".
std::string distance_text(const Score& a, const Score& b) {
  const std::string unit = a.unit == "%" ? " points" : a.unit.empty() ? "" : " " + a.unit;
  return fmt::format("{:.2f}{}", std::abs(a.value - b.value), unit);
}

// What tells two scores apart.
class Evidence {
 public:
  explicit Evidence(const FindDifference& find) : find_(find) {}

  // Unset: nothing is known of the same items, the intervals decide.
  std::optional<Difference> of_items(const Candidate& best, const Candidate& other) const {
    return find_ ? find_(best.name, other.name) : std::nullopt;
  }
  bool tells_apart(const Candidate& best, const Candidate& other) const {
    if (const auto difference = of_items(best, other)) return difference->is_proved();
    return best.high < other.low || other.high < best.low;
  }

 private:
  const FindDifference& find_;
};

std::string interval_text(const Difference& d) {
  return fmt::format("{:.2f} to {:.2f} points on the same items", d.low, d.high);
}

// "it, a and b"
std::string it_and(const Candidates& others) {
  std::string text = "it";
  for (size_t i = 0; i < others.size(); ++i)
    text += (i + 1 == others.size() ? " and " : ", ") + others[i]->name;
  return text;
}

// The first of the best.
const Candidate& best_score(const Candidates& eligible) {
  return **std::max_element(eligible.begin(), eligible.end(),
                            [](auto* a, auto* b) { return tasks::better(b->score, a->score); });
}

// The best of the rest, for the price that a choice costs.
std::string price_text(const Candidate& chosen, const Candidates& eligible,
                       const Evidence& evidence) {
  const Candidate& best = best_score(eligible);
  if (&best == &chosen || !tasks::better(best.score, chosen.score)) return "and none scores better";
  std::string doubt;
  if (!evidence.tells_apart(best, chosen)) {
    const auto of_items = evidence.of_items(best, chosen);
    doubt =
        of_items ? " (" + interval_text(*of_items) + ")" : ", where their 95% intervals overlap";
  }
  return fmt::format("{} behind {}, the best with {}{}", distance_text(best.score, chosen.score),
                     best.name, score_text(best.score), doubt);
}

Recommendation recommendation(const Candidate& chosen, const std::string& reason) {
  return {.model = chosen.name, .reason = reason, .checkpoint = std::nullopt};
}

// Why none is taken for the best one's equal, the next one among them.
std::string proof_text(const Candidate& best, const Candidate& next, const Evidence& evidence) {
  if (const auto of_items = evidence.of_items(best, next))
    return " (" + interval_text(*of_items) + ")";
  return best.low < best.high ? ", and no other model's interval overlaps with its own" : "";
}

Recommendation by_score(const Candidates& eligible, const Evidence& evidence) {
  const Candidate& best = best_score(eligible);
  Candidates level = {&best}, others;  // level: not told apart from the best
  bool of_items = false;
  for (const auto* c : eligible) {
    if (c == &best) continue;
    others.push_back(c);
    if (evidence.tells_apart(best, *c)) continue;
    level.push_back(c);
    of_items = of_items || evidence.of_items(best, *c);
  }
  const Candidate& chosen = **std::min_element(level.begin(), level.end(), [](auto* a, auto* b) {
    return std::pair(a->latency_ms, a->params) < std::pair(b->latency_ms, b->params);
  });
  if (level.size() == 1) {
    const Candidate& next = best_score(others);
    return recommendation(best, fmt::format("{} is the best with {}, {} {} the next{}.", best.name,
                                            full_text(best), distance_text(best.score, next.score),
                                            best.score.higher_is_better ? "above" : "below",
                                            proof_text(best, next, evidence)));
  }
  if (&chosen == &best) {
    std::erase(level, &best);
    return recommendation(
        best,
        fmt::format("{} is the best with {}, and also the fastest ({:.2f} ms) of those {} ({}).",
                    best.name, full_text(best), best.latency_ms,
                    of_items ? "that the same items do not tell from it"
                             : "whose intervals overlap with its own",
                    it_and(level)));
  }
  const auto apart = evidence.of_items(best, chosen);
  return recommendation(
      chosen,
      fmt::format("{} reaches {}, which this test set cannot tell from the {} of {} ({}), and of "
                  "those that cannot be told apart it is the fastest: {:.2f} against {:.2f} ms.",
                  chosen.name, full_text(chosen), full_text(best), best.name,
                  apart ? interval_text(*apart) : "the intervals overlap", chosen.latency_ms,
                  best.latency_ms));
}

Recommendation by_latency(const Candidates& eligible, const Evidence& evidence) {
  const double fastest = (*std::min_element(eligible.begin(), eligible.end(), [](auto* a, auto* b) {
                           return a->latency_ms < b->latency_ms;
                         }))->latency_ms;
  const Candidate* chosen = nullptr;
  for (const auto* c : eligible)
    if (c->latency_ms <= fastest * kSameLatency &&
        (!chosen || tasks::better(c->score, chosen->score)))
      chosen = c;
  return recommendation(
      *chosen,
      fmt::format("{} is the fastest with {:.2f} ms, {}; it reaches {}.", chosen->name,
                  chosen->latency_ms, price_text(*chosen, eligible, evidence), full_text(*chosen)));
}

Recommendation by_size(const Candidates& eligible, const Evidence& evidence) {
  const Candidate& chosen =
      **std::min_element(eligible.begin(), eligible.end(), [](auto* a, auto* b) {
        return a->size() != b->size() ? a->size() < b->size() : tasks::better(a->score, b->score);
      });
  const auto size = chosen.bytes
                        ? fmt::format("{:.2f} MB", static_cast<double>(*chosen.bytes) / 1e6)
                        : fmt::format("{} parameters", chosen.params);
  return recommendation(
      chosen, fmt::format("{} is the smallest with {}, {}; it reaches {}.", chosen.name, size,
                          price_text(chosen, eligible, evidence), full_text(chosen)));
}

Recommendation choose(const std::vector<Candidate>& measured, const Preference& preference,
                      const Evidence& evidence) {
  Candidates eligible;
  for (const auto& c : measured)
    if (within_limits(c, preference)) eligible.push_back(&c);
  if (measured.empty()) return {std::nullopt, "No model could be trained and measured.", {}};
  if (eligible.empty())
    return {
        std::nullopt, fmt::format("No model meets the limits ({}).", limits_text(preference)), {}};
  if (eligible.size() == 1) {
    const auto& only = *eligible[0];
    const std::string why = measured.size() == 1
                                ? "is the only model measured"
                                : fmt::format("is the only model with {}", limits_text(preference));
    return recommendation(only, fmt::format("{} {}; it reaches {} at {:.2f} ms.", only.name, why,
                                            full_text(only), only.latency_ms));
  }
  if (preference.prefer == "latency") return by_latency(eligible, evidence);
  if (preference.prefer == "size") return by_size(eligible, evidence);
  return by_score(eligible, evidence);
}

// What the figures are of; empty: of LibTorch, as always.
std::string deployment_text(const std::vector<ModelResult>& models, const std::string& asked,
                            const std::string& used) {
  if (asked.empty()) return "";
  if (used.empty())
    return fmt::format("No model could be deployed for {}: these figures are LibTorch's.", asked);
  std::string text = fmt::format("These figures are those of the exported models in {}.", used);
  for (const auto& model : models)
    if (model.deployed && model.deployed->error)
      text += fmt::format(" {} could not be deployed.", model.name);
  return text;
}

}  // namespace

std::string limits_text(const Preference& p) {
  std::string text;
  if (p.max_latency_ms) text += fmt::format("at most {:g} ms", *p.max_latency_ms);
  if (p.max_params)
    text += fmt::format("{}at most {} parameters", text.empty() ? "" : " and ", *p.max_params);
  return text;
}

std::string disturbance_text(const std::vector<ModelResult>& models) {
  std::vector<const ModelResult*> told, trained;
  for (const auto& model : models) {
    if (model.train_seconds) trained.push_back(&model);
    if (model.slowest_turn && model.lost_speed) told.push_back(&model);
  }
  if (told.empty()) return "";
  const auto& worst = **std::min_element(told.begin(), told.end(), [](auto* a, auto* b) {
    return *a->slowest_turn < *b->slowest_turn;
  });
  if (*worst.slowest_turn >= kUndisturbed) return "";
  const auto text = fmt::format(
      "The machine was disturbed: the slowest turn of {} had {:.0f}% of its usual speed",
      worst.name, 100 * *worst.slowest_turn);
  // Of models without enough turns it is not known what they lost.
  if (told.size() < 2 || told.size() < trained.size()) return text + ".";
  const auto [least, most] = std::minmax_element(
      told.begin(), told.end(), [](auto* a, auto* b) { return *a->lost_speed < *b->lost_speed; });
  const double low = 100 * *(*least)->lost_speed, high = 100 * *(*most)->lost_speed;
  if (high - low <= 100 * kLostAlike)
    return fmt::format("{}; all models lost alike, {:.0f} to {:.0f}% of their speed.", text, low,
                       high);
  return fmt::format(
      "{}; the models did not lose alike: {} lost {:.0f}% of its speed, {} {:.0f}%. Train again in "
      "another --output for a fair comparison.",
      text, (*most)->name, high, (*least)->name, low);
}

Recommendation recommend(const std::vector<ModelResult>& models, const Preference& preference,
                         const std::vector<ReferenceResult>& references,
                         const FindDifference& difference) {
  const auto used = feasible(models, preference);
  std::vector<Candidate> measured;
  for (const auto& model : models)
    if (const auto c = candidate_of(model, used)) measured.push_back(*c);
  const FindDifference unknown;
  auto recommendation =
      choose(measured, used, Evidence(used.deploy.empty() ? difference : unknown));
  const ReferenceResult* bar = nullptr;
  for (const auto& reference : references)
    if (!bar || tasks::better(reference.score, bar->score)) bar = &reference;
  const bool beaten = !bar || std::any_of(measured.begin(), measured.end(), [&](const auto& c) {
    return tasks::better(c.score, bar->score);
  });
  if (recommendation.model && !beaten)
    recommendation.reason = fmt::format(
        "No network beats {} ({}): give more --budget, or ship that. Of the networks: {}",
        bar->title, score_text(bar->score), recommendation.reason);
  for (const auto& text :
       {measured.empty() ? "" : deployment_text(models, preference.deploy, used.deploy),
        disturbance_text(models)})
    if (!text.empty()) recommendation.reason += " " + text;
  return recommendation;
}

std::vector<size_t> rank(const std::vector<ModelResult>& models, const Preference& asked,
                         const Recommendation& recommendation) {
  const auto preference = feasible(models, asked);
  std::vector<size_t> order(models.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto& chosen = recommendation.model;
  const auto key = [&](size_t i) {
    const auto c = candidate_of(models[i], preference);
    if (!c) return std::tuple(3, 0.0, i);
    const int group = !within_limits(*c, preference) ? 2 : chosen && c->name == *chosen ? 0 : 1;
    const double loss = c->score.higher_is_better ? -c->score.value : c->score.value;
    const double merit = preference.prefer == "latency" ? c->latency_ms
                         : preference.prefer == "size"  ? static_cast<double>(c->size())
                                                        : loss;
    return std::tuple(group, merit, i);
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

}  // namespace braid::evaluate
