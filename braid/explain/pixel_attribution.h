// Attributions to inputs from a model's inputs and outputs alone.
#pragma once
#include <cstdint>
#include <functional>

#include "braid/torch.h"

namespace braid::explain {

// [B,...] -> logits [B,K]
using Classify = std::function<torch::Tensor(const torch::Tensor& x)>;

// A number of each of a batch of points [B,...], and the gradient of their sum.
struct Differentiable {
  std::function<torch::Tensor(const torch::Tensor& points)> value;     // [B]
  std::function<torch::Tensor(const torch::Tensor& points)> gradient;  // [B,...]
};
// The target's logit.
Differentiable logit_of(const Classify& classify, int64_t target);

struct IntegratedGradients {
  torch::Tensor values;  // like the input, of one example; they sum to `total`
  double total = 0;      // the function's value at the input, less that at the baseline
};
// Sundararajan et al., https://arxiv.org/abs/1703.01365: gradients on the way from `baseline` to
// `input` (both [1,...]), at the middles of `steps` equal parts, `batch` of them at a time.
IntegratedGradients integrated_gradients(const Differentiable& function, const torch::Tensor& input,
                                         const torch::Tensor& baseline, int64_t steps,
                                         int64_t batch);

struct OcclusionOptions {
  int64_t window = 0, stride = 0;  // pixels
  double fill = 0;                 // of the normalized image: 0 is the data's mean colour
  int64_t batch = 16;
};
// Zeiler & Fergus, https://arxiv.org/abs/1311.2901: how much the target's logit falls while a
// square is hidden, averaged over the squares that cover a pixel. image: [1,C,H,W] -> [H,W].
torch::Tensor occlusion(const Classify& classify, const torch::Tensor& image, int64_t target,
                        const OcclusionOptions& options);

}  // namespace braid::explain
