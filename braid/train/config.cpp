#include "braid/train/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/train/freeze.h"

namespace braid::train {
namespace {

void check_choice(const char* field, const std::string& value,
                  const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw ConfigError(
      "train",
      fmt::format("expected {} to be one of {}, got '{}'", field, fmt::join(choices, ", "), value),
      "", did_you_mean(value, choices));
}

template <class T>
void check_least(const char* field, T value, T least) {
  if (!(value >= least) || !std::isfinite(static_cast<double>(value)))
    throw ConfigError("train",
                      fmt::format("expected {} to be at least {}, got {}", field, least, value));
}

void check_share(const char* field, double value, double below) {
  if (!(value >= 0 && value < below))
    throw ConfigError("train", fmt::format("expected 0 <= {} < {}, got {}", field, below, value));
}

}  // namespace

void OptimizerConfig::visit(FieldVisitor& v) {
  v.field("opt", opt, "optimizer: sgd, nesterov, adamw, lamb, lion");
  v.field("lr", lr, "peak learning rate, for the whole (accumulated) batch");
  v.field("weight_decay", weight_decay, "decay; never on norms, biases and positional parameters");
  v.field("momentum", momentum, "momentum of sgd and nesterov");
  v.field("opt_betas", opt_betas, "two betas; empty: the optimizer's own");
  v.field("opt_eps", opt_eps, "epsilon; unset: the optimizer's own");
  v.field("layer_decay", layer_decay,
          "factor of the learning rate per layer from the head down, 1: off");
  v.field("head_lr", head_lr, "peak learning rate of the classifier; unset: lr");
}

void ScheduleConfig::visit(FieldVisitor& v) {
  v.field("sched", sched, "schedule: cosine, linear, step, inverse_sqrt, plateau, constant");
  v.field("warmup_epochs", warmup_epochs, "epochs of linear warm-up");
  v.field("warmup_lr", warmup_lr, "learning rate where the warm-up starts");
  v.field("min_lr", min_lr, "where cosine and linear end, and plateau's floor");
  v.field("decay_epochs", decay_epochs, "step: epochs between decays");
  v.field("decay_rate", decay_rate, "step, plateau: factor of the learning rate");
  v.field("patience_epochs", patience_epochs, "plateau: epochs without improvement");
}

void RunConfig::visit(FieldVisitor& v) {
  v.field("output", output, "folder of this run");
  v.field("freeze", freeze,
          "what stays as it is: backbone (all but the classifier), or a number of layers from the "
          "stem up; empty: nothing");
  v.field("epochs", epochs,
          "passes over the training data; with max_train_seconds or max_steps no limit");
  v.field("max_train_seconds", max_train_seconds,
          "seconds of training, 0: no limit; the schedule follows the clock then");
  v.field("max_steps", max_steps, "optimizer steps, 0: no limit; the schedule follows them then");
  v.field("early_stop_epochs", early_stop_epochs,
          "stop after so many epochs without improvement, 0: off");
  v.field("batch_size", batch_size, "examples per forward pass");
  v.field("grad_accum_steps", grad_accum_steps, "forward passes per optimizer step");
  v.field("clip_grad", clip_grad, "largest norm of the gradient, 0: off");
  v.field("model_ema", model_ema, "keep and evaluate a moving average of the weights");
  v.field("model_ema_decay", model_ema_decay, "decay of that average per step");
  v.field("grad_checkpointing", grad_checkpointing,
          "recompute blocks in the backward pass to save memory");
  v.field("dtype", dtype,
          "float32, bfloat16, or auto: bfloat16 where the processor multiplies it natively");
  v.field("device", device, "cpu or cuda");
  v.field("seed", seed, "random seed of weights, order and augmentation");
  v.field("workers", workers, "loader threads, 0: load in the training thread");
  v.field("threads", threads, "compute threads, 0: one per core");
  v.field("on_bad_sample", on_bad_sample, "an example that cannot be read: error or skip");
  v.field("checkpoint_hist", checkpoint_hist, "epoch checkpoints kept");
  v.field("checkpoint_minutes", checkpoint_minutes,
          "minutes between checkpoints within an epoch, 0: only at its end");
  v.field("resume", resume, "continue from <output>/last");
  optimizer.visit(v);
  schedule.visit(v);
}

void validate(const RunConfig& c) {
  const auto& o = c.optimizer;
  const auto& s = c.schedule;
  check_choice("opt", o.opt, {"sgd", "nesterov", "adamw", "lamb", "lion"});
  check_choice("sched", s.sched,
               {"cosine", "linear", "step", "inverse_sqrt", "plateau", "constant"});
  check_choice("dtype", c.dtype, {"float32", "bfloat16", "auto"});
  check_choice("device", c.device, {"cpu", "cuda"});
  check_choice("on_bad_sample", c.on_bad_sample, {"error", "skip"});
  check_least("lr", o.lr, 0.0);
  check_least("weight_decay", o.weight_decay, 0.0);
  check_share("momentum", o.momentum, 1);
  if (!o.opt_betas.empty() && o.opt_betas.size() != 2)
    throw ConfigError("train", fmt::format("expected two opt_betas, got {}", o.opt_betas.size()));
  for (const double beta : o.opt_betas) check_share("opt_betas", beta, 1);
  if (!(o.layer_decay > 0 && o.layer_decay <= 1))
    throw ConfigError("train", fmt::format("expected 0 < layer_decay <= 1, got {}", o.layer_decay));
  if (o.head_lr) {
    check_least("head_lr", *o.head_lr, 0.0);
    if (!(o.lr > 0))
      throw ConfigError("train", "expected lr above 0 with head_lr", "",
                        "freeze = \"backbone\" trains the classifier alone");
  }
  check_freeze(c.freeze);
  check_least("warmup_epochs", s.warmup_epochs, 0.0);
  check_least("min_lr", s.min_lr, 0.0);
  if (!(s.decay_epochs > 0)) throw ConfigError("train", "expected decay_epochs above 0");
  check_least("patience_epochs", s.patience_epochs, int64_t{0});
  check_share("model_ema_decay", c.model_ema_decay, 1);
  check_least("epochs", c.epochs, int64_t{1});
  check_least("max_train_seconds", c.max_train_seconds, 0.0);
  check_least("max_steps", c.max_steps, int64_t{0});
  check_least("early_stop_epochs", c.early_stop_epochs, int64_t{0});
  check_least("batch_size", c.batch_size, int64_t{1});
  check_least("grad_accum_steps", c.grad_accum_steps, int64_t{1});
  check_least("clip_grad", c.clip_grad, 0.0);
  check_least("workers", c.workers, int64_t{0});
  check_least("threads", c.threads, int64_t{0});
  check_least("checkpoint_hist", c.checkpoint_hist, int64_t{0});
  check_least("checkpoint_minutes", c.checkpoint_minutes, 0.0);
}

void validate(const TrainConfig& c) {
  tasks::validate(c.task);
  validate(c.run);
}

}  // namespace braid::train
