// What a run says of itself while it is trained.
#pragma once
#include <string>

#include "braid/train/result.h"
#include "braid/train/state.h"

namespace braid::train {

// "cct_2_3x2_32 epoch   4  train loss 0.3632  val loss 0.3202  val top-1  88.12%  1045 images/s".
// ema: whether averaged weights were evaluated too.
std::string epoch_text(const std::string& model, const EpochStats& stats, bool ema,
                       const std::string& items);

// Beside the bar: "loss 0.312  1045 images/s  val top-1 88.12%"; under a budget of time the share
// of it that is spent. loss: of the last batch.
std::string bar_text(double loss, const TrainState& state, double max_train_seconds,
                     const std::string& items);

}  // namespace braid::train
