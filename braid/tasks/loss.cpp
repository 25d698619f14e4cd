#include "braid/tasks/loss.h"

#include "braid/ops/cross_entropy.h"

namespace braid::tasks {
namespace F = torch::nn::functional;

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            double smoothing, const torch::Tensor& class_weights) {
  const bool trains = logits.requires_grad() && at::GradMode::is_enabled();
  if (!class_weights.defined())
    return trains ? ops::cross_entropy(logits, labels, smoothing)
                  : ops::composed_cross_entropy(logits, labels, smoothing);
  const auto each = F::cross_entropy(
      logits, labels,
      F::CrossEntropyFuncOptions().label_smoothing(smoothing).reduction(torch::kNone));
  return (each * class_weights.to(logits.device()).index_select(0, labels)).mean();
}

torch::Tensor soft_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                 const torch::Tensor& class_weights) {
  const auto each = (targets * torch::log_softmax(logits, -1)).sum(-1);
  if (!class_weights.defined()) return -each.mean();
  return -(each * targets.mv(class_weights.to(logits.device()))).mean();
}

torch::Tensor distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                const std::string& type, double tau) {
  if (type == "hard") return F::cross_entropy(student, teacher.argmax(1));
  return F::kl_div(torch::log_softmax(student / tau, 1), torch::log_softmax(teacher / tau, 1),
                   F::KLDivFuncOptions().reduction(torch::kSum).log_target(true)) *
         (tau * tau) / student.numel();
}

}  // namespace braid::tasks
