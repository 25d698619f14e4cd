#include "braid/train/config.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/run_fields.h"
#include "braid/train/freeze.h"
#include "braid/train/lookahead.h"

namespace braid::train {
namespace {

// As timm spells them.
std::vector<std::string> optimizer_names() {
  std::vector<std::string> names = {"sgd", "nesterov", "adamw", "lamb", "lion", "muon", "nmuon"};
  const auto plain = names;
  for (const auto& name : plain) names.push_back(kLookahead + name);
  return names;
}

// The recipes' schedule has a rise and an end of its own: who asks for others would believe in
// them.
void check_one_cycle(const ScheduleConfig& s) {
  const char* unused = s.warmup_epochs > 0    ? "warmup_epochs"
                       : s.warmup_updates > 0 ? "warmup_updates"
                       : s.min_lr > 0         ? "min_lr"
                                              : nullptr;
  if (s.sched != "one_cycle" || unused == nullptr) return;
  throw ConfigError("train",
                    fmt::format("expected no {} with one_cycle, which rises for pct_start of the "
                                "run and falls to nothing",
                                unused),
                    "", "leave it out, or name another schedule, such as --sched cosine");
}

}  // namespace

void OptimizerConfig::visit(FieldVisitor& v) {
  v.field("opt", opt, "optimizer; lookahead_*: with slow weights that follow it",
          {.choices = optimizer_names()});
  v.field("lr", lr, "peak learning rate, for the whole (accumulated) batch", {.least = 0});
  v.field("weight_decay", weight_decay, "decay; never on norms, biases and positional parameters",
          {.least = 0});
  v.field("momentum", momentum, "momentum of sgd, nesterov, muon and nmuon",
          {.least = 0, .below = 1});
  v.field("opt_betas", opt_betas, "two betas; empty: the optimizer's own",
          {.least = 0, .below = 1});
  v.field("opt_eps", opt_eps, "epsilon; unset: the optimizer's own", {.least = 0});
  v.field("layer_decay", layer_decay,
          "factor of the learning rate per layer from the head down, 1: off",
          {.most = 1, .above = 0});
  v.field("head_lr", head_lr, "peak learning rate of the classifier; unset: lr", {.least = 0});
  v.field("bias_lr_scale", bias_lr_scale,
          "factor of the learning rate of biases, those of norms too, 1: off", {.above = 0});
}

void ScheduleConfig::visit(FieldVisitor& v) {
  v.field("sched", sched, "schedule; inverse_sqrt: Noam's",
          {.choices = {"cosine", "linear", "step", "inverse_sqrt", "plateau", "constant",
                       "one_cycle"}});
  v.field("warmup_epochs", warmup_epochs, "epochs of linear warm-up", {.least = 0});
  v.field("warmup_updates", warmup_updates,
          "optimizer steps of linear warm-up, in place of warmup_epochs, 0: warmup_epochs",
          {.least = 0});
  v.field("warmup_lr", warmup_lr, "learning rate where the warm-up starts");
  v.field("min_lr", min_lr, "where cosine and linear end, and plateau's floor", {.least = 0});
  v.field("pct_start", pct_start, "one_cycle: share of the run in which the rate rises",
          {.above = 0, .below = 1});
  v.field("decay_epochs", decay_epochs, "step: epochs between decays", {.above = 0});
  v.field("decay_rate", decay_rate, "step, plateau: factor of the learning rate");
  v.field("patience_epochs", patience_epochs, "plateau: epochs without improvement", {.least = 0});
}

void RunConfig::visit(FieldVisitor& v) {
  v.field("output", output, "folder of this run", {.free_on_resume = true});
  v.field("freeze", freeze,
          "what stays as it is: backbone (all but the classifier), or a number of layers from the "
          "stem up; empty: nothing");
  v.field("freeze_epochs", freeze_epochs,
          "epochs for which it stays so, then all is trained, 0: the whole run; with freeze = "
          "backbone the classifier is trained first",
          {.least = 0});
  v.field("freeze_bn_stats", freeze_bn_stats,
          "batch norms normalize by the statistics of the weights to start from, and keep them");
  v.field("epochs", epochs,
          "passes over the training data; with max_train_seconds or max_steps no limit",
          {.least = 1, .free_on_resume = true});
  v.field("max_train_seconds", max_train_seconds,
          "seconds of training, 0: no limit; the schedule follows the clock then",
          {.least = 0, .free_on_resume = true});
  v.field("max_steps", max_steps, "optimizer steps, 0: no limit; the schedule follows them then",
          {.least = 0, .free_on_resume = true});
  v.field("early_stop_epochs", early_stop_epochs,
          "stop after so many epochs without improvement, 0: off",
          {.least = 0, .free_on_resume = true});
  v.field("batch_size", batch_size, "examples per forward pass",
          {.least = 1, .most = data::kMostAtOnce});
  v.field("grad_accum_steps", grad_accum_steps, "forward passes per optimizer step",
          {.least = 1, .most = data::kMostAtOnce});
  v.field("clip_grad", clip_grad, "largest norm of the gradient, 0: off", {.least = 0});
  v.field("model_ema", model_ema, "keep and evaluate a moving average of the weights");
  v.field("model_ema_decay", model_ema_decay, "decay of that average per step",
          {.least = 0, .below = 1});
  v.field("model_ema_warmup", model_ema_warmup,
          "let that decay rise from 0 to its value over the steps, so that short runs have an "
          "average of their own");
  v.field("grad_checkpointing", grad_checkpointing,
          "recompute blocks in the backward pass to save memory");
  v.field(data::dtype_field(), dtype);
  v.field(data::device_field(), device);
  v.field("seed", seed, "random seed of weights, order and augmentation");
  v.field(data::workers_field(), workers);
  v.field("threads", threads,
          "compute threads, 0: one per core that the process may use, fewer under a budget of time "
          "while others use them",
          {.least = 0, .most = data::kMostThreads, .free_on_resume = true});
  v.field(data::on_bad_sample_field(), on_bad_sample);
  v.field("checkpoint_hist", checkpoint_hist, "epoch checkpoints kept",
          {.least = 0, .free_on_resume = true});
  v.field("average_checkpoints", average_checkpoints,
          "at the end, average the weights of so many epoch checkpoints, the newest ones, and take "
          "them for the best where val says so, 0: off",
          {.least = 0, .free_on_resume = true});
  v.field("checkpoint_minutes", checkpoint_minutes,
          "minutes between checkpoints within an epoch, 0: only at its end",
          {.least = 0, .free_on_resume = true});
  v.field("resume", resume, "continue from <output>/last", {.free_on_resume = true});
  v.field("moved_data", moved_data,
          "resume: data, teacher and weights lie elsewhere than when the run began",
          {.free_on_resume = true});
  optimizer.visit(v);
  schedule.visit(v);
}

void validate(const RunConfig& c) {
  check_fields(c, "train");
  check_utf8(c, "train");
  const auto& o = c.optimizer;
  if (!o.opt_betas.empty() && o.opt_betas.size() != 2)
    throw ConfigError("train", fmt::format("expected two opt_betas, got {}", o.opt_betas.size()));
  if (o.head_lr && !(o.lr > 0))
    throw ConfigError("train", "expected lr above 0 with head_lr", "",
                      "freeze = \"backbone\" trains the classifier alone");
  check_freeze(c.freeze);
  if (!c.resume) check_one_cycle(c.schedule);  // older runs go on as they began
  if (c.freeze_epochs > 0 && c.freeze.empty())
    throw ConfigError("train", "expected freeze with freeze_epochs, got none", "",
                      "freeze = \"backbone\" trains the classifier first");
}

void validate(const TrainConfig& c) {
  tasks::validate(c.task);
  validate(c.run);
  if (c.run.freeze_bn_stats && c.task.weights.empty())
    throw ConfigError("train", "expected weights with freeze_bn_stats, got none", "",
                      "batch norms of random weights have no statistics to keep: give --weights "
                      "or --pretrained");
}

}  // namespace braid::train
