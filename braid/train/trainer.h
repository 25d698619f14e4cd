// Trains one model on one dataset.
#pragma once
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/train/config.h"

namespace braid::train {

struct EpochStats {
  int64_t epoch = 0;  // from 0
  int64_t step = 0;   // optimizer steps so far
  double train_loss = 0;
  double val_loss = 0;
  double val_top1 = 0;      // percent
  double val_top1_ema = 0;  // percent; equals val_top1 without EMA
  double lr = 0;            // at the epoch's end
  double seconds = 0;       // training alone, without evaluation
  double images_per_s = 0;  // training
};

struct TrainResult {
  std::vector<EpochStats> history;
  double best_top1 = 0;  // percent, on val
  int64_t best_epoch = 0;
  int64_t steps = 0;
  double train_seconds = 0;  // training alone
  double images_per_s = 0;   // training alone, over the whole run
  int64_t bad_samples = 0;
  std::string stop_reason;                // "epochs", "time", "steps", "early_stop", "interrupted"
  std::filesystem::path best_checkpoint;  // <output>/model_best, loadable by models::load_model
};

// Set by the program's SIGINT handler; the trainer saves and returns at the next step.
std::atomic<bool>& interrupt_requested();

// Trains config.model on splits.train, validates on splits.val after every epoch, and fills
// config.output with
//   config.toml        the resolved run config
//   last/ model_best/  checkpoints (model.safetensors, config.json; last/ also the trainer's state)
//   checkpoint-N/      the newest config.checkpoint_hist epochs
//   summary.csv        a line per epoch
//   results.json       the TrainResult
//   events.out.tfevents.*  TensorBoard
// With config.resume it continues from last/ bit-exactly on the CPU.
// Throws ConfigError, DataError or IoError; a failing output folder is found before the first
// epoch.
TrainResult train(const TrainConfig& config, const data::Splits& splits, Progress& progress);

}  // namespace braid::train
