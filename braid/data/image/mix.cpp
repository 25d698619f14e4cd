#include "braid/data/image/mix.h"

#include <algorithm>
#include <cmath>

namespace braid::data {
namespace {

torch::Tensor smoothed_one_hot(const torch::Tensor& labels, int64_t num_classes, double smoothing) {
  const double off = smoothing / static_cast<double>(num_classes);
  return torch::full({labels.size(0), num_classes}, off)
      .scatter_(1, labels.unsqueeze(1), 1.0 - smoothing + off);
}

// Pastes a rectangle of the other image; returns the share of the own image that is left.
double cut(torch::Tensor& images, const torch::Tensor& other, double lambda, Random& random) {
  const int64_t H = images.size(2), W = images.size(3);
  const double side = std::sqrt(1 - lambda);
  const auto cut_h = static_cast<int64_t>(static_cast<double>(H) * side);
  const auto cut_w = static_cast<int64_t>(static_cast<double>(W) * side);
  const int64_t cy = random.below(H), cx = random.below(W);
  const int64_t top = std::clamp<int64_t>(cy - cut_h / 2, 0, H),
                bottom = std::clamp<int64_t>(cy + cut_h / 2, 0, H);
  const int64_t left = std::clamp<int64_t>(cx - cut_w / 2, 0, W),
                right = std::clamp<int64_t>(cx + cut_w / 2, 0, W);
  const auto box = [&](const torch::Tensor& t) {
    return t.slice(2, top, bottom).slice(3, left, right);
  };
  box(images).copy_(box(other));
  return 1.0 - static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(H * W);
}

}  // namespace

void mix(Batch& batch, const AugmentConfig& augment, int64_t num_classes, double label_smoothing,
         Random& random) {
  if (augment.mixup == 0 && augment.cutmix == 0) return;
  double lambda = 1.0;
  if (random.uniform() < augment.mixup_prob) {
    const bool use_cutmix =
        augment.mixup == 0 || (augment.cutmix > 0 && random.uniform() < augment.mixup_switch_prob);
    const double alpha = use_cutmix ? augment.cutmix : augment.mixup;
    lambda = random.beta(alpha, alpha);
    auto images = batch.at(kPixelValues);
    const auto other = images.flip(0);
    if (use_cutmix) {
      lambda = cut(images, other, lambda, random);
    } else {
      images.mul_(lambda).add_(other, 1.0 - lambda);
    }
  }
  const auto targets = smoothed_one_hot(batch.at(kLabels), num_classes, label_smoothing);
  batch.tensors[kSoftLabels] = targets * lambda + targets.flip(0) * (1.0 - lambda);
}

}  // namespace braid::data
