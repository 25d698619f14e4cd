#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "braid/core/config.h"
#include "braid/core/near_match.h"

namespace braid {
namespace {

// Whether the word is meant by the choice: "cuda:N" stands for cuda:0, cuda:1, ...
bool is_choice(const std::string& choice, const std::string& word) {
  if (!choice.ends_with(":N")) return choice == word;
  const auto prefix = choice.substr(0, choice.size() - 1);
  if (!word.starts_with(prefix)) return false;
  const auto number = word.substr(prefix.size());
  return !number.empty() && (number == "0" || number[0] != '0') &&
         std::all_of(number.begin(), number.end(), [](char c) { return '0' <= c && c <= '9'; });
}

// Remembers the first fault.
class RuleChecker final : public FieldVisitor {
 public:
  explicit RuleChecker(std::string prefix = "") : prefix_(std::move(prefix)) {}
  std::optional<FieldFault> fault;

 private:
  void on_field(const Field& field, FieldValue value) override {
    std::visit([&](const auto* v) { check(field, *v); }, value);
  }
  void on_nested(const char* name, const NestedFields& nested) override {
    const size_t count = nested.count().value_or(0);
    for (size_t i = 0; i < count && !fault; ++i) {
      const std::string path = prefix_ + name;
      RuleChecker inner(nested.list ? fmt::format("{}[{}].", path, i) : path + ".");
      nested.visit_one(i, inner);
      fault = inner.fault;
    }
  }

  void blame(const Field& field, const std::string& expected, const std::string& got,
             const std::string& remedy = "") {
    if (!fault)
      fault = {prefix_ + field.name,
               fmt::format("expected {}{} to be {}, got {}", prefix_, field.name, expected, got),
               remedy};
  }
  template <class Number>
  void check_bounds(const Field& field, Number number) {
    const auto& r = field.rules;
    const auto value = static_cast<double>(number);
    if (!std::isfinite(value)) {
      const std::string bounds = bounds_text(r);
      blame(field, bounds.empty() ? "a finite number" : bounds, fmt::to_string(number));
    } else if ((r.least && value < *r.least) || (r.most && value > *r.most) ||
               (r.above && value <= *r.above) || (r.below && value >= *r.below)) {
      blame(field, bounds_text(r), fmt::to_string(number));
    }
  }

  void check(const Field&, bool) {}
  void check(const Field&, const Json&) {}
  void check(const Field& field, int64_t value) { check_bounds(field, value); }
  void check(const Field& field, double value) { check_bounds(field, value); }
  void check(const Field& field, const std::string& value) {
    const auto& choices = field.rules.choices;
    if (choices.empty() || std::any_of(choices.begin(), choices.end(), [&](const auto& choice) {
          return is_choice(choice, value);
        }))
      return;
    blame(field, fmt::format("one of {}", fmt::join(choices, ", ")), "'" + value + "'",
          did_you_mean(value, choices));
  }
  template <class T>
  void check(const Field& field, const std::optional<T>& value) {
    if (value) check(field, *value);
  }
  template <class T>
  void check(const Field& field, const std::vector<T>& values) {
    for (const auto& value : values) check(field, value);
  }

  const std::string prefix_;
};

}  // namespace

std::string flag_of(std::string field) {
  std::replace(field.begin(), field.end(), '_', '-');
  return "--" + field;
}

std::string bounds_text(const FieldRules& r) {
  if (r.least && r.most) return fmt::format("between {} and {}", *r.least, *r.most);
  std::string text;
  const auto add = [&text](const char* words, const std::optional<double>& bound) {
    if (bound) text += fmt::format("{}{} {}", text.empty() ? "" : " and ", words, *bound);
  };
  add("at least", r.least);
  add("above", r.above);
  add("at most", r.most);
  add("below", r.below);
  return text;
}

std::optional<FieldFault> visit_for_fault(const VisitFields& visit) {
  RuleChecker checker;
  visit(checker);
  return std::move(checker.fault);
}

}  // namespace braid
