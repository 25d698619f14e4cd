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
  bool give_item_losses() override {
    gives_item_losses_ = true;
    return true;
  }
  // Of a batch with this loss, with the losses of its items where they are asked for: without
  // smoothing and class weights. logits: [B,K] float32.
  Step make_step(const torch::Tensor& loss, const torch::Tensor& logits,
                 const data::Batch& batch) const;

 protected:
  bool gives_item_losses() const { return gives_item_losses_; }

 private:
  bool gives_item_losses_ = false;
};

}  // namespace braid::tasks
