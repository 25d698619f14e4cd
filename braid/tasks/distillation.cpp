#include "braid/tasks/distillation.h"

#include "braid/tasks/loss.h"

namespace braid::tasks {

Distillation::Distillation(std::unique_ptr<Classifier> student, std::unique_ptr<Teacher> teacher,
                           const DistillationOptions& options)
    : student_(std::move(student)), teacher_(std::move(teacher)), options_(options) {}

void Distillation::to(const torch::Device& device) {
  student_->to(device);
  teacher_->to(device);
}

Step Distillation::training_step(const data::Batch& batch) {
  const auto taught = teacher_->logits(batch);
  const auto heads = student_->forward_heads(batch);
  const auto logits = heads.logits.to(torch::kFloat);
  const auto learner = heads.distilled.defined() ? heads.distilled.to(torch::kFloat) : logits;
  const auto& o = options_;
  const auto own = student_->loss(logits, batch);
  const auto from_teacher =
      distillation_loss(learner, taught, o.distillation_type, o.distillation_tau);
  return {own * (1 - o.distillation_alpha) + from_teacher * o.distillation_alpha,
          static_cast<double>(batch.size())};
}

}  // namespace braid::tasks
