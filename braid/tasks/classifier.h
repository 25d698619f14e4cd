// A task whose model gives one logit per class.
#pragma once
#include "braid/tasks/task.h"

namespace braid::tasks {

class Classifier : public Task {
 public:
  struct Heads {
    torch::Tensor logits;     // [B,K]
    torch::Tensor distilled;  // [B,K] of a second head that learns from a teacher; may be undefined
  };
  virtual Heads forward_heads(const data::Batch& batch) = 0;
  // A mean over the batch, of which each item has its class's weight. logits: [B,K] float32.
  virtual torch::Tensor loss(const torch::Tensor& logits, const data::Batch& batch) const = 0;
};

}  // namespace braid::tasks
