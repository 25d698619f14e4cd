#include "braid/tasks/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "braid/core/error.h"

namespace braid::tasks {

void field_or_nan(FieldVisitor& v, const char* name, double& value, const char* help) {
  auto known = std::isnan(value) ? std::nullopt : std::optional<double>(value);
  v.field(name, known, help);
  value = known.value_or(std::nan(""));
}

void Score::visit(FieldVisitor& v) {
  v.field("name", name, "which score");
  v.field("unit", unit, "%, nats, ...; empty: none");
  field_or_nan(v, "value", value, "the score");
  v.field("low", low, "lower end of the 95% interval; unset: unknown");
  v.field("high", high, "upper end of the 95% interval; unset: unknown");
  v.field("higher_is_better", higher_is_better, "whether a higher value is better");
}

bool better(const Score& a, const Score& b) {
  if (std::isnan(b.value)) return !std::isnan(a.value);
  return a.higher_is_better ? a.value > b.value : a.value < b.value;
}

bool all_finite(const Scores& scores) {
  return std::all_of(scores.begin(), scores.end(),
                     [](const Score& score) { return std::isfinite(score.value); });
}

Scores without_values(Scores scores) {
  for (auto& score : scores) {
    score.value = std::nan("");
    score.low = score.high = std::nullopt;
  }
  return scores;
}

const Score& find_score(const Scores& scores, const std::string& name) {
  const auto it =
      std::find_if(scores.begin(), scores.end(), [&](const Score& s) { return s.name == name; });
  if (it != scores.end()) return *it;
  std::vector<std::string> names;
  for (const auto& score : scores) names.push_back(score.name);
  throw InternalError(
      "tasks", fmt::format("expected a score '{}', got one of {}", name, fmt::join(names, ", ")));
}

std::string title_of(const Score& score) {
  static const std::map<std::string, std::string> kTitles = {
      {"top1", "top-1"}, {"top5", "top-5"}, {"macro_f1", "macro-F1"},
      {"ece", "ECE"},    {"bleu", "BLEU"},  {"chrf", "chrF"}};
  const auto it = kTitles.find(score.name);
  return it == kTitles.end() ? score.name : it->second;
}

std::string to_text(const Score& score) {
  return title_of(score) + (score.unit == "%" ? fmt::format(" {:.2f}%", score.value)
                                              : fmt::format(" {:.4f}", score.value));
}

}  // namespace braid::tasks
