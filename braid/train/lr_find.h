// The learning rate range test: how the loss answers to a rate that grows step by step.
//
// Source: Smith, "Cyclical Learning Rates for Training Neural Networks",
// https://arxiv.org/abs/1506.01186; smoothing, end and suggestion are those of Lightning's lr_find
// (after fastai's).
#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "braid/core/progress.h"
#include "braid/tasks/task.h"
#include "braid/train/config.h"

namespace braid::train {

// Names and defaults are Lightning's, but for the range of rates, which is fastai's.
struct LrFindOptions {
  double min_lr = 1e-7, max_lr = 10;
  // Steps, from one to the other in equal factors; 0: 3% of the config's, but 30 at least and 100
  // at most. Of a run that is limited by time 100, and it ends after 3% of that.
  int64_t num_training = 0;
  double early_stop_threshold = 4.0;  // ends where the loss is so many times the best
};

struct LrPoint {
  double lr = 0, loss = 0;  // the loss smoothed
};
struct LrFinding {
  std::vector<LrPoint> points;
  // Where the loss falls fastest; nothing where the test was too short to say.
  std::optional<double> suggestion;
};

// Trains the task's model with the config's optimizer, batches and precision, then puts everything
// back to the bit: weights, statistics, modes, device, LibTorch's random numbers. Its data is drawn
// as a training's first batches.
LrFinding lr_find(tasks::Task& task, const RunConfig& config, const LrFindOptions& options,
                  const std::stop_token& stop, Progress& progress);

// Of a smoothed curve: the rate of its steepest point, without the first ten and the last one.
std::optional<double> suggest_lr(const std::vector<LrPoint>& points);

}  // namespace braid::train
