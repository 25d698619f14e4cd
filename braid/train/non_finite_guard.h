// Steps whose loss or gradient is not finite are skipped; too many in a row end the run.
#pragma once
#include <cmath>
#include <cstdint>

namespace braid::train {

class NonFiniteGuard {
 public:
  static constexpr int64_t kMostSkipped = 5;  // consecutive steps

  // skipped: steps in a row, of the run that goes on.
  explicit NonFiniteGuard(int64_t skipped) : skipped_(skipped) {}
  // Each returns whether the value is finite; if not, the step is spoilt.
  bool loss(double value) { return check(value); }
  bool gradient_norm(double value) { return check(value); }
  bool spoilt() const { return spoilt_; }
  // Whether this step is one too many.
  bool hopeless() const { return spoilt_ && skipped_ + 1 >= kMostSkipped; }
  // Ends the step; returns whether it is to be skipped.
  bool end_step() {
    const bool skip = spoilt_;
    skipped_ = skip ? skipped_ + 1 : 0;
    spoilt_ = false;
    return skip;
  }
  int64_t skipped() const { return skipped_; }

 private:
  bool check(double value) {
    if (!std::isfinite(value)) spoilt_ = true;
    return std::isfinite(value);
  }
  int64_t skipped_;
  bool spoilt_ = false;
};

}  // namespace braid::train
