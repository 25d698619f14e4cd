// The effective receptive field: Luo et al., https://arxiv.org/abs/1701.04128.
#pragma once
#include "braid/explain/explainable_graph.h"

namespace braid::explain {

struct ReceptiveField {
  torch::Tensor map;    // [H,W]: gradients of the layer's middle cell, absolute, mean over images
  double y = 0, x = 0;  // the cell's place, in pixels
  // Side of the square around that place that holds this share of the map, as a share of the
  // image's longer side.
  double side_50 = 0, side_99 = 0;
};
// images: [B,C,height,width]
ReceptiveField receptive_field(const ExplainableGraph& explained, const Layer& layer,
                               const torch::Tensor& images);

}  // namespace braid::explain
