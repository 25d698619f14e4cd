#include "braid/runtime/team.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "braid/core/cpu.h"

namespace braid::runtime {
namespace {

constexpr double kWindow = 0.5;     // seconds
constexpr int64_t kLeastSteps = 3;  // of a window: the first makes kernels for another team
constexpr double kWaits = 0.05;     // of the time: less is the system's own
constexpr double kPays = 1.1;       // times as fast
constexpr double kLeastWait = 2;    // seconds until what did not pay is tried again
constexpr double kMostWait = 16;
constexpr double kAskEvery = 0.1;  // seconds between two looks at how long threads waited

}  // namespace

void TeamPolicy::begin_window() {
  window_ = {};
  steps_ = 0;
}

void TeamPolicy::begin_trial(int64_t size) {
  kept_size_ = size_;
  size_ = size;
  on_trial_ = true;
}

void TeamPolicy::end_trial(double rate) {
  on_trial_ = false;
  Trials& trials = size_ < kept_size_ ? fewer_ : all_;
  if (rate > kPays * kept_rate_) {
    trials = {};
    Trials& others = size_ < kept_size_ ? all_ : fewer_;
    others = {.wait = 0, .after = now_ + kLeastWait};
    return;
  }
  size_ = kept_size_;
  trials.wait = std::clamp(2 * trials.wait, kLeastWait, kMostWait);
  trials.after = now_ + trials.wait;
}

void TeamPolicy::end_window() {
  const double rate = window_.items / window_.seconds;
  if (on_trial_) return end_trial(rate);
  kept_rate_ = rate;
  if (size_ > 1 && window_.waited > kWaits * window_.seconds && now_ >= fewer_.after)
    begin_trial(size_ - 1);
  else if (size_ < most_ && now_ >= all_.after)
    begin_trial(most_);
}

void TeamPolicy::observe(const TeamWork& step) {
  now_ += step.seconds;
  if (++steps_ > 1) {
    window_.items += step.items;
    window_.seconds += step.seconds;
    window_.waited += step.waited;
  }
  if (steps_ < kLeastSteps || window_.seconds < kWindow) return;
  end_window();
  begin_window();
}

Team::Team()
    : most_(at::get_num_threads()),
      policy_(most_),
      said_(most_),
      waited_before_(seconds_waited()) {}

Team::Working::Working(Team* team) : before_(at::get_num_threads()) {
  if (team == nullptr) return;
  team->waited_before_ = seconds_waited();
  at::set_num_threads(static_cast<int>(team->size()));
}
Team::Working::~Working() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

bool Team::observe(double items, double seconds) {
  const int64_t size = policy_.size();
  TeamWork step{.items = items, .seconds = seconds};
  asked_after_ += seconds;
  if (asked_after_ >= kAskEvery) {
    const double waited = seconds_waited();
    step.waited = std::max(0.0, waited - waited_before_);  // threads that ended are not counted
    waited_before_ = waited;
    asked_after_ = 0;
  }
  policy_.observe(step);
  if (policy_.size() != size) at::set_num_threads(static_cast<int>(policy_.size()));
  if (policy_.on_trial() || policy_.size() == said_) return false;
  said_ = policy_.size();
  return true;
}

}  // namespace braid::runtime
