// The gradient of one optimizer step, gathered from the batches of a window.
#pragma once
#include <cstdint>

#include "braid/tasks/task.h"
#include "braid/train/optimizer.h"

namespace braid::train {

// The gradient is that of the mean over all items of the window, however they are spread over its
// batches. Each batch is scaled when it comes, as if the others weighed as much as the first one;
// where they did not, finish() puts it right. So a window of equal batches costs nothing more, and
// a window of one batch is that batch's own gradient to the bit.
class Accumulation {
 public:
  // batches: that the window is going to have.
  void begin(int64_t batches);
  // Backward pass of a batch of at least one item.
  void add(const tasks::Step& step);
  // A batch whose backward pass is done, in a window of one.
  void add_computed(double weight);
  void finish(const Optimizer& optimizer);
  int64_t count() const { return count_; }     // batches so far
  void skip() { ++count_; }                    // a batch that gives nothing
  bool empty() const { return weight_ == 0; }  // nothing but such batches

 private:
  int64_t batches_ = 1, count_ = 0;
  double expected_ = 0, weight_ = 0;  // items of the window: as the first batch made it expect
};

}  // namespace braid::train
