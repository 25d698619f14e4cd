// Scores gathered batch by batch.
#pragma once
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/score.h"
#include "braid/torch.h"

namespace braid::tasks {

// What has been seen of a data set, small enough to keep and to send: never the outputs themselves.
// The scores do not depend on how the examples came in batches.
class Metric {
 public:
  virtual ~Metric() = default;
  // outputs: [B,K] float32 on the CPU, logits or probabilities as the metric says; labels: [B]
  // int64.
  virtual void update(const torch::Tensor& outputs, const torch::Tensor& labels) = 0;
  // Everything seen so far, and the same of another part of the data, to be added.
  virtual runtime::TensorMap state() const = 0;
  virtual void merge(const runtime::TensorMap& state) = 0;
  // NaN before the first update.
  virtual Scores scores() const = 0;
};

}  // namespace braid::tasks
