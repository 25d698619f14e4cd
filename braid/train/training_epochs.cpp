// What the loop does between its epochs: evaluate, keep, end.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "braid/core/error.h"
#include "braid/runtime/tensor_file.h"
#include "braid/train/average_checkpoints.h"
#include "braid/train/run_texts.h"
#include "braid/train/training_loop.h"

namespace braid::train {

namespace fs = std::filesystem;

void TrainingLoop::note_bad_samples() {
  const auto here = loader_->bad_indices();
  std::set<int64_t> all(state_.bad_indices.begin(), state_.bad_indices.end());
  all.insert(here.begin(), here.end());
  state_.bad_indices.assign(all.begin(), all.end());
  state_.bad_samples = std::max(state_.bad_samples, std::ssize(all));
}

void TrainingLoop::save_last() {
  note_bad_samples();
  if (stepper_.is_finite())
    checkpoints_.save_last();
  else
    progress_.line(fmt::format("Not saved at step {}: the weights are not finite.", state_.step));
}

void TrainingLoop::diverged(const data::Batch* batch) {
  constexpr const char* kLower = "lower lr, or set clip_grad, with which such steps are skipped";
  if (!fs::exists(checkpoints_.last())) save_last();  // as it was before the steps skipped
  if (fs::exists(checkpoints_.best()))
    throw stepper_.divergence(
        batch, checkpoints_.best(),
        fmt::format("the checkpoint named here is the best so far; {}", kLower));
  if (fs::exists(checkpoints_.last()))
    throw stepper_.divergence(
        batch, checkpoints_.last(),
        fmt::format("the checkpoint named here is from before those steps; {}", kLower));
  throw stepper_.divergence(batch, {}, kLower);
}

tasks::Scores TrainingLoop::evaluate() {
  return task_.evaluate(tasks::Split::kVal,
                        {.batch_size = config_.batch_size,
                         .workers = config_.workers,
                         .dtype = config_.dtype,
                         .on_bad_sample = config_.on_bad_sample},
                        progress_);
}

bool TrainingLoop::evaluate_epoch() {
  if (!stepper_.is_finite()) diverged(nullptr);  // what is NaN stays so
  auto& ema = stepper_.ema();
  EpochStats stats{.epoch = state_.epoch,
                   .step = state_.step,
                   .train_loss = state_.epoch_loss / std::max(1.0, state_.epoch_items),
                   .scores = evaluate(),
                   .scores_ema = {},
                   .lr = lr(),
                   .seconds = state_.epoch_seconds,
                   .items_per_s = state_.epoch_items / std::max(1e-9, state_.epoch_seconds)};
  if (ema) ema->swap(task_.model());
  stats.scores_ema = ema ? evaluate() : stats.scores;
  state_.history.push_back(stats);
  const bool finite = tasks::all_finite(stats.scores) && tasks::all_finite(stats.scores_ema);
  if (finite && (state_.best_scores.empty() ||
                 better(stats.scores_ema.front(), state_.best_scores.front()))) {
    state_.best_scores = stats.scores_ema;
    state_.best_epoch = state_.epoch;
    checkpoints_.save_best();  // the averaged weights, where there are any
  }
  if (ema) ema->swap(task_.model());
  const auto& first = stats.scores_ema.front();  // what chooses the best epoch, as in timm
  schedule_.observe(first.higher_is_better ? first.value : -first.value);
  folder_.epoch(state_.history);
  progress_.line(epoch_text(title_, stats, ema.has_value(), task_.items()));
  return finite;
}

void TrainingLoop::end_epoch() {
  if (state_.epoch_items == 0 && state_.skipped_steps == 0)
    throw DataError("train", "expected something to learn from, but every batch was left out", "",
                    "raise batch_size, or give more images");
  if (!budget_.evaluation_due(state_)) {  // its losses and times count towards the next one
    ++state_.epoch;
    state_.batch = 0;
    return;
  }
  const bool finite = evaluate_epoch();
  const int64_t epoch = state_.epoch++;
  state_.batch = 0;
  state_.epoch_loss = state_.epoch_items = state_.epoch_seconds = 0;
  if (finite) {
    save_last();
    checkpoints_.keep_epoch(epoch, std::max(config_.checkpoint_hist, config_.average_checkpoints));
  } else {
    progress_.line(fmt::format("Epoch {} is not kept: its validation is not finite.", epoch));
  }
  if (stop_reason_.empty() && is_stuck()) stop_reason_ = "early_stop";
}

bool TrainingLoop::is_stuck() const {
  return config_.early_stop_epochs > 0 && !state_.history.empty() &&
         state_.history.back().epoch - state_.best_epoch >= config_.early_stop_epochs;
}

// A sample that cannot be read ends a run, but not what it has learned.
void TrainingLoop::save_before_bad_sample() {
  if (state_.step == 0 || stepper_.accumulated() > 0 || !stepper_.is_finite()) return;
  save_last();
  progress_.line(
      fmt::format("Saved at epoch {}, batch {}: --resume goes on from here, with --on-bad-sample "
                  "skip without what cannot be read.",
                  state_.epoch, state_.batch));
}

void TrainingLoop::average_checkpoints() {
  const auto folders = checkpoints_.newest_epochs(config_.average_checkpoints);
  if (folders.size() < 2) return;
  runtime::TensorMap before;
  for (const auto& [name, tensor] : runtime::named_state(task_.model()))
    before[name] = tensor.detach().clone();
  load_average(task_.model(), folders);
  averaged_scores_ = evaluate();
  const bool best = tasks::all_finite(averaged_scores_) &&
                    (state_.best_scores.empty() ||
                     tasks::better(averaged_scores_.front(), state_.best_scores.front()));
  if (best) {
    state_.best_scores = averaged_scores_;
    checkpoints_.save_best();
  }
  copy_state(task_.model(), before);
  progress_.line(fmt::format("Average of {} checkpoints: val {}, {} in model_best", folders.size(),
                             to_text(averaged_scores_.front()),
                             best ? "now" : "not better than what is"));
  if (best) save_last();  // a resume goes on from this best score
}

TrainResult TrainingLoop::finish() {
  if (stop_reason_ != "interrupted") average_checkpoints();
  note_bad_samples();
  const auto best = checkpoints_.best();
  auto result = result_of(state_, task_, stop_reason_.empty() ? "epochs" : stop_reason_,
                          fs::exists(best) ? best : fs::path());
  result.averaged_scores = averaged_scores_;
  folder_.result(result);
  if (stop_reason_ != "interrupted" && !state_.history.empty() && state_.best_scores.empty())
    throw DivergenceError("train", "no epoch had a validation that is finite",
                          folder_.path().string(), "lower lr or set clip_grad");
  return result;
}

}  // namespace braid::train
