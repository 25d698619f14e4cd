#include "braid/train/result.h"

namespace braid::train {

void EpochStats::visit(FieldVisitor& v) {
  v.field("epoch", epoch, "from 0");
  v.field("step", step, "optimizer steps so far");
  tasks::field_or_nan(v, "train_loss", train_loss, "mean over the epoch's items");
  v.list("scores", scores);
  v.list("scores_ema", scores_ema);
  v.field("lr", lr, "learning rate at the epoch's end");
  v.field("seconds", seconds, "of training alone, without evaluation");
  v.field("items_per_s", items_per_s, "of training alone");
}

void TrainResult::visit(FieldVisitor& v) {
  v.field("task", task, "what was trained");
  v.field("items", items, "what the task counts: images, tokens");
  v.list("best_scores", best_scores);  // empty where the run ended before its first evaluation
  v.field("best_epoch", best_epoch, "whose scores these are, by the averaged weights with EMA");
  v.list("averaged_scores", averaged_scores);
  v.field("steps", steps, "optimizer steps");
  v.field("train_seconds", train_seconds, "of training alone, without evaluation");
  v.field("fewer_threads_seconds", fewer_threads_seconds,
          "of these with fewer threads, because others used the processors");
  v.field("items_per_s", items_per_s, "of training alone");
  v.field("bad_samples", bad_samples, "left out of training because they could not be read");
  v.field("val_bad_samples", val_bad_samples, "the same of val, in one evaluation");
  v.group("data", data);
  v.field("stop_reason", stop_reason, "what ended the run",
          {.choices = {"epochs", "time", "steps", "early_stop", "interrupted"}});
  std::string folder = best_checkpoint.string();
  v.field("best_checkpoint", folder, "<output>/model_best; empty: there is none");
  best_checkpoint = folder;
  v.list("history", history);
}

}  // namespace braid::train
