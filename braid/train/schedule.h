// Learning-rate schedules, timm's trajectories in fractional epochs; a warm-up may be in steps.
#pragma once
#include <cstdint>

#include "braid/core/config.h"
#include "braid/train/config.h"

namespace braid::train {

// Linear warm-up from warmup_lr to the peak over warmup_epochs, then, with e the epoch (not counted
// from the warm-up's end, timm's default) and E the total:
//   cosine        min + (peak - min) (1 + cos(pi e / E)) / 2
//   linear        peak + (min - peak) e / E
//   step          peak * decay_rate^floor(e / decay_epochs)
//   inverse_sqrt  peak * sqrt(w / max(e, w)), w the warm-up's epochs or 1 (Noam)
//   plateau       peak * decay_rate^(number of plateaus), at least min; observe() counts them
//   constant      peak
// With warmup_updates the warm-up is in optimizer steps instead, and so is inverse_sqrt, which is
// fairseq's then.
// one_cycle takes no warm-up of its own: PyTorch's OneCycleLR with anneal_strategy "linear", from
// peak / 25 to the peak over pct_start of the run, then down to peak / 250,000.
class Schedule {
 public:
  Schedule(const ScheduleConfig& config, double peak_lr, double total_epochs);
  // epoch: position in the run; step: optimizer steps that are done.
  double lr(double epoch, int64_t step = 0) const;
  // plateau: the epoch's score, negative where a lower one is better; PyTorch's ReduceLROnPlateau
  // with threshold 1e-4 relative.
  void observe(double metric);
  Json state() const;
  void load_state(const Json& state);

 private:
  double one_cycle_lr(double share) const;  // share: of the run, 0 to 1
  ScheduleConfig config_;
  double peak_, total_;
  double best_ = -1e300, factor_ = 1;
  int64_t bad_epochs_ = 0;
};

}  // namespace braid::train
