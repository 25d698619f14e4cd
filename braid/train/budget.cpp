#include "braid/train/budget.h"

#include <algorithm>

namespace braid::train {

double Budget::position(const TrainState& state, int64_t batches_per_epoch) const {
  const auto all = static_cast<double>(epochs);
  if (max_train_seconds > 0) return std::min(1.0, state.train_seconds / max_train_seconds) * all;
  if (max_steps > 0)
    return std::min(1.0, static_cast<double>(state.step) / static_cast<double>(max_steps)) * all;
  return static_cast<double>(state.epoch) +
         static_cast<double>(state.batch) / static_cast<double>(batches_per_epoch);
}

bool Budget::evaluation_due(const TrainState& state) const {
  constexpr int64_t kEvaluations = 50;
  if (!open_ended() || !spent(state).empty()) return true;
  if (max_train_seconds > 0) return state.epoch_seconds * kEvaluations >= max_train_seconds;
  const int64_t evaluated = state.history.empty() ? 0 : state.history.back().step;
  return (state.step - evaluated) * kEvaluations >= max_steps;
}

std::string Budget::spent(const TrainState& state) const {
  if (max_train_seconds > 0 && state.train_seconds >= max_train_seconds) return "time";
  if (max_steps > 0 && state.step >= max_steps) return "steps";
  return "";
}

}  // namespace braid::train
