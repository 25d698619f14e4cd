// Everything that decides a training run. Field names are timm's flags.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/tasks/config.h"

namespace braid::train {

// What the fields mean and may be stands in their visit().

struct OptimizerConfig {
  std::string opt = "adamw";
  double lr = 1e-3;
  double weight_decay = 0.05;
  double momentum = 0.9;
  std::vector<double> opt_betas = {};
  std::optional<double> opt_eps;
  double layer_decay = 1.0;
  std::optional<double> head_lr;
  double bias_lr_scale = 1.0;
  void visit(FieldVisitor& v);
};

struct ScheduleConfig {
  std::string sched = "cosine";
  double warmup_epochs = 0;
  int64_t warmup_updates = 0;
  double warmup_lr = 1e-6;
  double min_lr = 0;
  double pct_start = 0.3;
  double decay_epochs = 30;
  double decay_rate = 0.1;
  int64_t patience_epochs = 10;
  void visit(FieldVisitor& v);
};

// What any training has, whatever its task.
struct RunConfig {
  std::string output = "runs/train";
  std::string freeze;
  double freeze_epochs = 0;
  bool freeze_bn_stats = false;
  // how long
  int64_t epochs = 10;
  double max_train_seconds = 0;
  int64_t max_steps = 0;
  int64_t early_stop_epochs = 0;
  // how
  int64_t batch_size = 128;
  int64_t grad_accum_steps = 1;
  double clip_grad = 0;
  bool model_ema = false;
  double model_ema_decay = 0.9998;
  bool model_ema_warmup = true;
  bool grad_checkpointing = false;
  std::string dtype = "auto";
  std::string device = "cpu";
  int64_t seed = 0;
  int64_t workers = 2;
  int64_t threads = 0;
  std::string on_bad_sample = "error";
  // keeping
  int64_t checkpoint_hist = 3;
  int64_t average_checkpoints = 0;
  double checkpoint_minutes = 5;
  bool resume = false;
  bool moved_data = false;

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
