#include "braid/evaluate/turns.h"

#include <algorithm>
#include <numeric>

#include "braid/evaluate/latency.h"

namespace braid::evaluate {

void Turns::visit(FieldVisitor& v) {
  v.field("items_per_s", items_per_s, "");
  v.field("until", until, "");
}

void Turns::add(double speed, double now, double spent, double asked) {
  constexpr double kWhole = 0.5;  // of what was asked
  if (spent <= 0 || (!items_per_s.empty() && spent < kWhole * asked)) return;
  items_per_s.push_back(speed);
  until.push_back(now);
}

void Turns::cut(double seconds) {
  constexpr double kRounding = 1e-6;
  while (!until.empty() && until.back() > seconds + kRounding) until.pop_back();
  items_per_s.resize(until.size());
}

std::optional<TurnSpeeds> turn_speeds(const std::vector<double>& items_per_s) {
  constexpr size_t kLeastTurns = 4;
  constexpr double kUsual = 0.75;  // quantile
  if (items_per_s.size() < kLeastTurns) return std::nullopt;
  const double usual = quantile(items_per_s, kUsual);
  if (usual <= 0) return std::nullopt;
  const double mean = std::accumulate(items_per_s.begin(), items_per_s.end(), 0.0) /
                      static_cast<double>(items_per_s.size());
  return TurnSpeeds{.slowest = *std::min_element(items_per_s.begin(), items_per_s.end()) / usual,
                    .lost = std::max(0.0, 1 - mean / usual)};
}

}  // namespace braid::evaluate
