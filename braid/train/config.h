// Everything that decides a training run. Field names are timm's flags.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/tasks/config.h"

namespace braid::train {

struct OptimizerConfig {
  std::string opt = "adamw";           // sgd, nesterov, adamw, lamb, lion
  double lr = 1e-3;                    // peak learning rate, for the whole (accumulated) batch
  double weight_decay = 0.05;          // never on norms, biases and positional parameters
  double momentum = 0.9;               // sgd, nesterov
  std::vector<double> opt_betas = {};  // empty: the optimizer's own
  std::optional<double> opt_eps;       // unset: the optimizer's own
  double layer_decay = 1.0;            // lr factor per layer from the head down, 1: off
  std::optional<double> head_lr;       // peak learning rate of the classifier; unset: lr
  void visit(FieldVisitor& v);
};

struct ScheduleConfig {
  std::string sched = "cosine";  // cosine, linear, step, inverse_sqrt (Noam), plateau, constant
  double warmup_epochs = 0;
  double warmup_lr = 1e-6;       // where the linear warm-up starts
  double min_lr = 0;             // where cosine and linear end, and plateau's floor
  double decay_epochs = 30;      // step: epochs between decays
  double decay_rate = 0.1;       // step, plateau: factor
  int64_t patience_epochs = 10;  // plateau: epochs without improvement
  void visit(FieldVisitor& v);
};

// What any training has, whatever its task.
struct RunConfig {
  std::string output = "runs/train";  // folder of this run
  std::string freeze;  // backbone: all but the classifier; K: the first K layers; empty: nothing
  // how long
  int64_t epochs = 10;
  double max_train_seconds = 0;   // 0: no limit; the schedule follows the clock then
  int64_t max_steps = 0;          // optimizer steps, 0: no limit
  int64_t early_stop_epochs = 0;  // epochs without improvement, 0: off
  // how
  int64_t batch_size = 128;
  int64_t grad_accum_steps = 1;
  double clip_grad = 0;  // largest gradient norm, 0: off
  bool model_ema = false;
  double model_ema_decay = 0.9998;
  bool grad_checkpointing = false;
  std::string dtype =
      "float32";  // float32, bfloat16, auto: bfloat16 where the processor multiplies it natively
  std::string device = "cpu";  // cpu, cuda, cuda:N
  int64_t seed = 0;
  int64_t workers = 2;  // loader threads
  int64_t threads = 0;  // compute threads, 0: one per core
  std::string on_bad_sample = "error";
  // keeping
  int64_t checkpoint_hist = 3;    // epoch checkpoints kept
  double checkpoint_minutes = 5;  // also within an epoch, 0: only at its end
  bool resume = false;

  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  void visit(FieldVisitor& v);  // all fields flat, those of the nested structs too
};

// A run as the program knows it: flags and config.toml hold both, flat.
struct TrainConfig {
  tasks::TaskConfig task;
  RunConfig run;
  void visit(FieldVisitor& v) {
    task.visit(v);
    run.visit(v);
  }
};

// Throws ConfigError naming the field and what it may be.
void validate(const RunConfig& config);
void validate(const TrainConfig& config);

}  // namespace braid::train
