// What a student learns from.
#pragma once
#include "braid/data/batch.h"
#include "braid/torch.h"

namespace braid::tasks {

// A trained classifier that reads the student's batches.
class Teacher {
 public:
  virtual ~Teacher() = default;
  virtual void to(const torch::Device& device) = 0;
  // [B,K] float32, without gradients; the student's classes in their order.
  virtual torch::Tensor logits(const data::Batch& batch) const = 0;
};

}  // namespace braid::tasks
