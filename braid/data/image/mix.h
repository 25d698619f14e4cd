// Mixup and cutmix on whole batches.
#pragma once
#include "braid/data/batch.h"
#include "braid/data/image/transforms.h"
#include "braid/data/random.h"

namespace braid::data {

// Mixes the batch's images with their own reverse order and gives it soft labels, [B,K] float32, as
// timm's Mixup in batch mode does: mixup https://arxiv.org/abs/1710.09412, cutmix
// https://arxiv.org/abs/1905.04899. Does nothing when both alphas are 0.
void mix(Batch& batch, const AugmentConfig& augment, int64_t num_classes, double label_smoothing,
         Random& random);

}  // namespace braid::data
