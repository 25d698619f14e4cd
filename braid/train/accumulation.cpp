#include "braid/train/accumulation.h"

namespace braid::train {

void Accumulation::begin(int64_t batches) {
  batches_ = batches;
  count_ = 0;
  expected_ = weight_ = 0;
}

void Accumulation::add(const tasks::Step& step) {
  ++count_;
  if (expected_ == 0) expected_ = step.weight * static_cast<double>(batches_);
  const double share = expected_ / step.weight;
  (share == 1 ? step.loss : step.loss / share).backward();
  weight_ += step.weight;
}

void Accumulation::add_computed(double weight) {
  ++count_;
  expected_ = weight_ = weight;
}

void Accumulation::finish(const Optimizer& optimizer) {
  if (weight_ == 0 || weight_ == expected_) return;
  const torch::NoGradGuard no_grad;
  for (const auto& param : optimizer.parameters())
    if (param.grad().defined()) param.grad().mul_(expected_ / weight_);
}

}  // namespace braid::train
