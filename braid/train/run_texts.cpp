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

std::string bar_text(double loss, double items_per_s, const EpochStats* newest,
                     const std::string& items) {
  std::string text = fmt::format("loss {:.3f}  {:.0f} {}/s", loss, items_per_s, items);
  if (newest != nullptr) text += "  val " + to_text(newest->scores.front());
  return text;
}

}  // namespace braid::train
