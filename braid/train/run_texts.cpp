#include "braid/train/run_texts.h"

#include <fmt/format.h>

#include "braid/train/run_folder.h"

namespace braid::train {
namespace {

std::string value_text(const tasks::Score& score) {
  return score.unit == "%" ? fmt::format("{:6.2f}%", score.value)
                           : fmt::format("{:.4f}", score.value);
}

}  // namespace

std::string epoch_text(const std::string& model, const EpochStats& stats, bool ema,
                       const std::string& items) {
  std::string text =
      fmt::format("{} epoch {:3}  train loss {:.4f}", model, stats.epoch, stats.train_loss);
  for (const auto& score : in_columns(stats.scores))
    text += fmt::format("  val {} {}", title_of(score), value_text(score));
  if (ema) text += fmt::format(" (EMA {})", value_text(stats.scores_ema.front()));
  return text + fmt::format("  {:.0f} {}/s", stats.items_per_s, items);
}

std::string bar_text(double loss, const TrainState& state, double max_train_seconds,
                     const std::string& items) {
  const double rate = state.epoch_seconds > 0 ? state.epoch_items / state.epoch_seconds : 0;
  std::string text = fmt::format("loss {:.3f}  {:.0f} {}/s", loss, rate, items);
  if (!state.history.empty()) text += "  val " + to_text(state.history.back().scores.front());
  if (max_train_seconds > 0)
    text += fmt::format("  {:.0f}/{:.0f} s", state.train_seconds, max_train_seconds);
  return text;
}

}  // namespace braid::train
