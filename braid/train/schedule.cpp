#include "braid/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "braid/core/error.h"

namespace braid::train {

Schedule::Schedule(const ScheduleConfig& config, double peak_lr, double total_epochs)
    : config_(config), peak_(peak_lr), total_(total_epochs) {}

double Schedule::lr(double epoch, int64_t step) const {
  if (config_.sched == "one_cycle") return one_cycle_lr(std::min(epoch / total_, 1.0));
  const bool in_steps = config_.warmup_updates > 0;
  const double position = in_steps ? static_cast<double>(step) : epoch;
  const double warmup = in_steps ? static_cast<double>(config_.warmup_updates)
                                 : std::min(config_.warmup_epochs, total_);
  if (position < warmup) return config_.warmup_lr + (peak_ - config_.warmup_lr) * position / warmup;
  const double share = std::min(epoch / total_, 1.0);
  if (config_.sched == "cosine")
    return config_.min_lr +
           (peak_ - config_.min_lr) * 0.5 * (1 + std::cos(std::numbers::pi * share));
  if (config_.sched == "linear") return peak_ + (config_.min_lr - peak_) * share;
  if (config_.sched == "step")
    return peak_ * std::pow(config_.decay_rate, std::floor(epoch / config_.decay_epochs));
  if (config_.sched == "inverse_sqrt") {
    const double w = warmup > 0 ? warmup : 1.0;
    return peak_ * std::sqrt(w / std::max(position, w));
  }
  if (config_.sched == "plateau") return std::max(peak_ * factor_, std::min(config_.min_lr, peak_));
  return peak_;
}

double Schedule::one_cycle_lr(double share) const {
  constexpr double kDivFactor = 25, kFinalDivFactor = 1e4;  // PyTorch's
  const double start = peak_ / kDivFactor, end = start / kFinalDivFactor;
  if (share < config_.pct_start) return start + (peak_ - start) * share / config_.pct_start;
  return peak_ + (end - peak_) * (share - config_.pct_start) / (1 - config_.pct_start);
}

void Schedule::observe(double metric) {
  constexpr double kThreshold = 1e-4;  // relative
  if (metric > best_ * (best_ > 0 ? 1 + kThreshold : 1 - kThreshold)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else if (++bad_epochs_ > config_.patience_epochs) {
    factor_ *= config_.decay_rate;
    bad_epochs_ = 0;
  }
}

Json Schedule::state() const {
  return {{"best", best_}, {"factor", factor_}, {"bad_epochs", bad_epochs_}};
}

void Schedule::load_state(const Json& state) {
  try {
    best_ = state.at("best").get<double>();
    factor_ = state.at("factor").get<double>();
    bad_epochs_ = state.at("bad_epochs").get<int64_t>();
  } catch (const Json::exception& e) {
    throw DataError("resume", std::string("corrupt state of the schedule: ") + e.what());
  }
}

}  // namespace braid::train
