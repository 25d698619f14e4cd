// Class activation maps: the channels of a layer, weighted by what they do to a class's logit.
#pragma once
#include "braid/explain/explainable_graph.h"

namespace braid::explain {

enum class ActivationWeights {
  kGradCam,         // the mean gradient: Selvaraju et al., https://arxiv.org/abs/1610.02391
  kGradCamPlusPlus  // positive gradients by pixel: Chattopadhyay et al.,
                    // https://arxiv.org/abs/1710.11063
};

// image: [1,C,height,width] -> [h,w] of the layer's grid, not negative. The arithmetic is that of
// the Python package grad-cam (MIT).
torch::Tensor class_activation(const ExplainableGraph& explained, const Layer& layer,
                               const torch::Tensor& image, int64_t target,
                               ActivationWeights weights);

}  // namespace braid::explain
