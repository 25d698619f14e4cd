// The turns in which a training went on while others waited, and what their speeds tell of the
// machine.
#pragma once
#include <optional>
#include <vector>

#include "braid/core/config.h"

namespace braid::evaluate {

// Of one training; kept after each turn, so that a comparison that was cut off has all of them.
struct Turns {
  std::vector<double> items_per_s;  // of each
  std::vector<double> until;        // seconds of training of the run at its end
  void visit(FieldVisitor& v);

  // speed: in items per second; now: seconds of training of the run so far; spent, asked: of the
  // turn. One that was cut short tells nothing, unless it is the only one.
  void add(double speed, double now, double spent, double asked);
  // A run that goes on from a checkpoint has spent so many seconds: what came later is lost.
  void cut(double seconds);
};

// Shares of a training's usual speed: of the upper quartile of its turns, which a disturbance of
// less than three quarters of them leaves as it is.
struct TurnSpeeds {
  double slowest = 1;  // turn
  double lost = 0;     // over all turns
};
// Nothing where there are too few turns to tell.
std::optional<TurnSpeeds> turn_speeds(const std::vector<double>& items_per_s);

}  // namespace braid::evaluate
