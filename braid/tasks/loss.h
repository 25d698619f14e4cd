// Classification losses.
#pragma once

#include <string>

#include "braid/torch.h"

namespace braid::tasks {

// Mean over the batch, in nats, float32. logits: [B,K], in any type without weights; labels: [B]
// int64; smoothing: label smoothing; class_weights: [K], by which each item's loss is multiplied,
// undefined: 1.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            double smoothing, const torch::Tensor& class_weights = {});
// targets: [B,K], rows sum to 1 (mixup, cutmix); an item's weight is the mean of its classes'.
torch::Tensor soft_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                 const torch::Tensor& class_weights = {});

// DeiT's distillation (https://arxiv.org/abs/2012.12877): hard is cross entropy to the teacher's
// decision; soft is tau^2 KL(teacher || student) at temperature tau, over the number of logits as
// there. student, teacher: logits [B,K].
torch::Tensor distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                const std::string& type, double tau);

}  // namespace braid::tasks
