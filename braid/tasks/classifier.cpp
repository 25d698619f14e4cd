#include "braid/tasks/classifier.h"

#include "braid/tasks/loss.h"

namespace braid::tasks {

Step Classifier::make_step(const torch::Tensor& loss, const torch::Tensor& logits,
                           const data::Batch& batch) const {
  Step step{.loss = loss, .weight = static_cast<double>(batch.size())};
  if (gives_item_losses_) step.item_losses = item_losses(logits, batch.at(data::kLabels));
  return step;
}

}  // namespace braid::tasks
