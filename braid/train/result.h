// What a training gives.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/data/summary.h"
#include "braid/tasks/score.h"

namespace braid::train {

struct EpochStats {
  int64_t epoch = 0;
  int64_t step = 0;
  double train_loss = 0;
  tasks::Scores scores;      // the first one chooses the best epoch
  tasks::Scores scores_ema;  // equal to scores without EMA
  double lr = 0;
  double seconds = 0;
  double items_per_s = 0;
  void visit(FieldVisitor& v);
};

struct TrainResult {
  std::string task;
  std::string items;
  tasks::Scores best_scores;
  int64_t best_epoch = 0;
  tasks::Scores averaged_scores = {};  // of averaged checkpoints; empty: none were averaged
  int64_t steps = 0;
  double train_seconds = 0;
  double fewer_threads_seconds = 0;  // of those, because others used processors
  double items_per_s = 0;
  int64_t bad_samples = 0;
  int64_t val_bad_samples = 0;
  data::Summary data;
  std::string stop_reason;
  std::filesystem::path best_checkpoint;  // empty where no epoch was evaluated
  std::vector<EpochStats> history;
  void visit(FieldVisitor& v);
};

}  // namespace braid::train
