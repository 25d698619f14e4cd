// What a training gives.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/tasks/score.h"

namespace braid::train {

struct EpochStats {
  int64_t epoch = 0;  // from 0
  int64_t step = 0;   // optimizer steps so far
  double train_loss = 0;
  tasks::Scores scores;      // on val; the first one chooses the best epoch
  tasks::Scores scores_ema;  // of the averaged weights; equal to scores without EMA
  double lr = 0;             // at the epoch's end
  double seconds = 0;        // training alone, without evaluation
  double items_per_s = 0;    // training; items: what the task counts
};

struct TrainResult {
  std::string task;   // its name
  std::string items;  // what it counts: "images", "tokens"
  std::vector<EpochStats> history;
  tasks::Scores best_scores;  // of the best epoch (averaged weights, where there are any); empty
                              // when the run ended before its first evaluation
  int64_t best_epoch = 0;
  int64_t steps = 0;
  double train_seconds = 0;  // training alone
  double items_per_s = 0;    // training alone, over the whole run
  int64_t bad_samples = 0;
  std::string stop_reason;                // "epochs", "time", "steps", "early_stop", "interrupted"
  std::filesystem::path best_checkpoint;  // <output>/model_best
};

Json to_json(const EpochStats& stats);
// Throws DataError naming `where`.
EpochStats epoch_stats_from_json(const Json& json, const std::string& where);
Json to_json(const TrainResult& result);

}  // namespace braid::train
