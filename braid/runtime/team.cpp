#include "braid/runtime/team.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "braid/core/cpu.h"

namespace braid::runtime {
namespace {

constexpr double kWindow = 0.5;      // seconds
constexpr int64_t kLeastSteps = 3;   // of a window: the first makes kernels for another team
constexpr double kWaits = 0.05;      // of the time: less is the system's own
constexpr double kStandsIdle = 0.3;  // processors: as many as may be worth a thread
constexpr double kPays = 1.1;        // times as fast
constexpr double kLeastWait = 2;     // seconds until what did not pay is tried again
constexpr double kMostWait = 16;
constexpr double kRest = 12;       // times as long as what did not pay took
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
  trial_begin_ = now_;
}

void TeamPolicy::end_trial(double rate) {
  on_trial_ = false;
  const bool fewer = size_ < kept_size_;
  const bool pays = rate > kPays * kept_rate_;
  if (!pays) size_ = kept_size_;
  if (fewer) {
    // A team waits for one thread as for several: where several are taken, one fewer gains nothing.
    fewer_by_ = pays ? 1 : 2 * fewer_by_;
    if (fewer_by_ < size_) {
      if (pays) more_ = {.wait = 0, .after = now_ + kLeastWait};
      return;
    }
    fewer_by_ = 1;
  } else {
    one_more_ = !pays && !one_more_ && size_ + 1 < most_;
    if (one_more_) return;
  }
  Trials& trials = fewer ? fewer_ : more_;
  const double cost = now_ - trial_begin_;
  trials.wait =
      pays ? 0 : std::max(std::clamp(2 * trials.wait, kLeastWait, kMostWait), kRest * cost);
  trials.after = now_ + trials.wait;
  if (pays) (fewer ? more_ : fewer_) = {.wait = 0, .after = now_ + kLeastWait};
}

void TeamPolicy::end_window() {
  const double rate = window_.items / window_.seconds;
  if (on_trial_) return end_trial(rate);
  kept_rate_ = rate;
  if (size_ > 1 && window_.waited > kWaits * window_.seconds && now_ >= fewer_.after)
    begin_trial(size_ - fewer_by_);
  else if (size_ < most_ && window_.idle > kStandsIdle * window_.seconds && now_ >= more_.after)
    begin_trial(one_more_ ? size_ + 1 : most_);
}

void TeamPolicy::observe(const TeamWork& step) {
  now_ += step.seconds;
  if (++steps_ > 1) {
    window_.items += step.items;
    window_.seconds += step.seconds;
    window_.waited += step.waited;
    window_.idle += step.idle;
  }
  if (steps_ < kLeastSteps || window_.seconds < kWindow) return;
  end_window();
  begin_window();
}

Team::Team() : policy_(at::get_num_threads()), said_(policy_.size()) { look_from_here(); }

void Team::look_from_here() {
  waited_before_ = seconds_waited();
  idle_before_ = seconds_idle().value_or(0);
}

Team::Working::Working(Team* team) : before_(at::get_num_threads()) {
  if (team == nullptr) return;
  team->look_from_here();
  at::set_num_threads(static_cast<int>(team->size()));
}
Team::Working::~Working() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

void Team::look_at_machine(TeamWork& step) {
  asked_after_ += step.seconds;
  if (asked_after_ < kAskEvery) return;
  const double waited = seconds_waited();
  step.waited = std::max(0.0, waited - waited_before_);  // threads that ended are not counted
  waited_before_ = waited;
  const auto idle = seconds_idle();
  step.idle = idle ? *idle - idle_before_ : asked_after_;  // unknown: there may be some
  idle_before_ = idle.value_or(0);
  asked_after_ = 0;
}

bool Team::observe(double items, double seconds) {
  const int64_t size = policy_.size();
  TeamWork step{.items = items, .seconds = seconds};
  look_at_machine(step);
  policy_.observe(step);
  if (policy_.size() != size) at::set_num_threads(static_cast<int>(policy_.size()));
  if (policy_.on_trial() || policy_.size() == said_) return false;
  said_ = policy_.size();
  return true;
}

}  // namespace braid::runtime
