#include "braid/evaluate/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace braid::evaluate {
namespace {

constexpr double kSameLatency = 1.05;

bool within_limits(const Candidate& c, const Preference& p) {
  return c.measured && (!p.max_latency_ms || c.latency_ms <= *p.max_latency_ms) &&
         (!p.max_params || c.params <= *p.max_params);
}

std::string limits_text(const Preference& p) {
  std::string text;
  if (p.max_latency_ms) text += fmt::format("at most {:g} ms per image", *p.max_latency_ms);
  if (p.max_params)
    text += fmt::format("{}at most {} parameters", text.empty() ? "" : " and ", *p.max_params);
  return text;
}

std::string accuracy_text(const Candidate& c) {
  return fmt::format("{:.2f}% (95% interval {:.2f} to {:.2f})", c.top1, c.top1_low, c.top1_high);
}

std::string join(const std::vector<const Candidate*>& list) {
  std::string text;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += i + 1 == list.size() ? " and " : ", ";
    text += list[i]->name;
  }
  return text;
}

// The most accurate of the rest, for the price that a choice costs.
std::string price_text(const Candidate& chosen, const std::vector<const Candidate*>& eligible) {
  const Candidate* best = *std::max_element(eligible.begin(), eligible.end(),
                                            [](auto* a, auto* b) { return a->top1 < b->top1; });
  if (best == &chosen || best->top1 <= chosen.top1) return "and none is more accurate";
  return fmt::format(
      "at {:.2f} points less than {}, the most accurate with {:.2f}%{}", best->top1 - chosen.top1,
      best->name, best->top1,
      best->top1_low <= chosen.top1_high ? ", where their 95% intervals overlap" : "");
}

Recommendation by_accuracy(const std::vector<const Candidate*>& eligible) {
  const Candidate* best = *std::max_element(eligible.begin(), eligible.end(),
                                            [](auto* a, auto* b) { return a->top1 < b->top1; });
  std::vector<const Candidate*> level;  // not told apart from the best
  for (const auto* c : eligible)
    if (c->top1_high >= best->top1_low) level.push_back(c);
  const Candidate* chosen = *std::min_element(level.begin(), level.end(), [](auto* a, auto* b) {
    return std::pair(a->latency_ms, a->params) < std::pair(b->latency_ms, b->params);
  });
  if (level.size() == 1) {
    std::vector<double> others;
    for (const auto* c : eligible)
      if (c != best) others.push_back(c->top1);
    const double next = *std::max_element(others.begin(), others.end());
    return {best->name,
            fmt::format("{} is the most accurate with {}, {:.2f} points above the next, and no "
                        "other model's interval overlaps with its own.",
                        best->name, accuracy_text(*best), best->top1 - next)};
  }
  if (chosen == best) {
    level.erase(std::find(level.begin(), level.end(), best));
    return {best->name,
            fmt::format("{} is the most accurate with {}, and also the fastest ({:.2f} "
                        "ms per image) of those whose intervals overlap with its own "
                        "(it and {}).",
                        best->name, accuracy_text(*best), best->latency_ms, join(level))};
  }
  return {chosen->name,
          fmt::format("{} reaches {}, which these test images cannot tell from the {} of {} (the "
                      "intervals overlap), and of those that cannot be told apart it is the "
                      "fastest: {:.2f} against {:.2f} ms per image.",
                      chosen->name, accuracy_text(*chosen), accuracy_text(*best), best->name,
                      chosen->latency_ms, best->latency_ms)};
}

Recommendation by_latency(const std::vector<const Candidate*>& eligible) {
  const double fastest = (*std::min_element(eligible.begin(), eligible.end(), [](auto* a, auto* b) {
                           return a->latency_ms < b->latency_ms;
                         }))->latency_ms;
  const Candidate* chosen = nullptr;
  for (const auto* c : eligible)
    if (c->latency_ms <= fastest * kSameLatency && (!chosen || c->top1 > chosen->top1)) chosen = c;
  return {
      chosen->name,
      fmt::format("{} is the fastest with {:.2f} ms per image, {}; it reaches {}.", chosen->name,
                  chosen->latency_ms, price_text(*chosen, eligible), accuracy_text(*chosen))};
}

Recommendation by_size(const std::vector<const Candidate*>& eligible) {
  const Candidate* chosen =
      *std::min_element(eligible.begin(), eligible.end(), [](auto* a, auto* b) {
        return std::pair(a->params, -a->top1) < std::pair(b->params, -b->top1);
      });
  return {chosen->name,
          fmt::format("{} is the smallest with {} parameters, {}; it reaches {}.", chosen->name,
                      chosen->params, price_text(*chosen, eligible), accuracy_text(*chosen))};
}

}  // namespace

Recommendation recommend(const std::vector<Candidate>& candidates, const Preference& preference) {
  std::vector<const Candidate*> measured, eligible;
  for (const auto& c : candidates) {
    if (c.measured) measured.push_back(&c);
    if (within_limits(c, preference)) eligible.push_back(&c);
  }
  if (measured.empty()) return {std::nullopt, "No model could be trained and measured."};
  if (eligible.empty())
    return {std::nullopt, fmt::format("No model meets the limits ({}).", limits_text(preference))};
  if (eligible.size() == 1) {
    const auto& only = *eligible[0];
    const std::string why = measured.size() == 1
                                ? "is the only model measured"
                                : fmt::format("is the only model with {}", limits_text(preference));
    return {only.name, fmt::format("{} {}; it reaches {} at {:.2f} ms per image.", only.name, why,
                                   accuracy_text(only), only.latency_ms)};
  }
  if (preference.prefer == "latency") return by_latency(eligible);
  if (preference.prefer == "size") return by_size(eligible);
  return by_accuracy(eligible);
}

std::vector<size_t> rank(const std::vector<Candidate>& candidates, const Preference& preference) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto chosen = recommend(candidates, preference).model;
  const auto key = [&](size_t i) {
    const auto& c = candidates[i];
    const int group = !c.measured                     ? 3
                      : !within_limits(c, preference) ? 2
                      : chosen && c.name == *chosen   ? 0
                                                      : 1;
    const double merit = preference.prefer == "latency" ? c.latency_ms
                         : preference.prefer == "size"  ? static_cast<double>(c.params)
                                                        : -c.top1;
    return std::tuple(group, merit, i);
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

}  // namespace braid::evaluate
