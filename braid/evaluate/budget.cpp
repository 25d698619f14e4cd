#include "braid/evaluate/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::evaluate {
namespace {

constexpr const char* kForms = "write time=2m, total=15m, epochs=10 or flops=500T";

[[noreturn]] void refuse(const std::string& message, const std::string& text) {
  throw UsageError("compare", fmt::format("{} in '{}'", message, text), "--budget", kForms);
}

// A positive finite number with an optional suffix.
double parse_amount(const std::string& amount, const std::map<std::string, double>& suffixes,
                    const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), number);
  if (error == std::errc::result_out_of_range) refuse("expected a smaller number", text);
  if (error != std::errc()) refuse(fmt::format("expected a number, got '{}'", amount), text);
  const std::string suffix(end, amount.data() + amount.size());
  const auto unit = suffixes.find(suffix);
  if (unit == suffixes.end()) {
    std::string known;
    for (const auto& [name, factor] : suffixes)
      if (!name.empty()) known += (known.empty() ? "" : ", ") + name;
    refuse(fmt::format("expected {}, got '{}'",
                       known.empty() ? "no unit" : "one of the units " + known, suffix),
           text);
  }
  const double value = number * unit->second;
  if (!std::isfinite(value) || value <= 0)
    refuse(fmt::format("expected a positive amount, got {}", amount), text);
  return value;
}

int64_t to_count(double value) {
  return static_cast<int64_t>(std::clamp(value, 1.0, 9e15));  // below 2^53: exact
}

}  // namespace

const char* to_string(BudgetKind kind) {
  switch (kind) {
    case BudgetKind::kTime:
      return "time";
    case BudgetKind::kEpochs:
      return "epochs";
    case BudgetKind::kFlops:
      return "flops";
    case BudgetKind::kTotal:
      return "total";
  }
  return "";
}

Budget parse_budget(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) refuse("expected KIND=AMOUNT", text);
  const std::string kind = text.substr(0, equals), amount = text.substr(equals + 1);
  Budget budget;
  budget.text = text;
  if (kind == "time" || kind == "total") {
    budget.kind = kind == "time" ? BudgetKind::kTime : BudgetKind::kTotal;
    budget.value =
        parse_amount(amount, {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}}, text);
  } else if (kind == "epochs") {
    budget.kind = BudgetKind::kEpochs;
    budget.value = parse_amount(amount, {{"", 1}}, text);
    if (budget.value != std::floor(budget.value) || budget.value > 1e6)
      refuse("expected whole epochs, at most a million", text);
  } else if (kind == "flops") {
    budget.kind = BudgetKind::kFlops;
    budget.value = parse_amount(
        amount,
        {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}}, text);
  } else {
    refuse(fmt::format(
               "unknown kind '{}'; {}", kind,
               did_you_mean(kind, {"time", "total", "epochs", "flops"}, "expected a known kind")),
           text);
  }
  return budget;
}

double training_flops(int64_t macs, int64_t teacher_macs) {
  constexpr double kFlopsPerMac = 2, kForwardAndBackward = 3;
  return kFlopsPerMac *
         (kForwardAndBackward * static_cast<double>(macs) + static_cast<double>(teacher_macs));
}

Limits limits_of(const Budget& budget, double fraction, int64_t batch_size, double flops_per_item) {
  Limits limits;
  switch (budget.kind) {
    case BudgetKind::kTime:
      limits.seconds = budget.value * fraction;
      break;
    case BudgetKind::kEpochs:
      limits.epochs = to_count(budget.value);
      break;
    case BudgetKind::kTotal:
      throw InternalError("compare", "a total budget is divided before anything is trained");
    case BudgetKind::kFlops:
      limits.steps =
          to_count(budget.value * fraction / flops_per_item / static_cast<double>(batch_size));
      break;
  }
  return limits;
}

}  // namespace braid::evaluate
