#include "braid/nn/basic/layer_scale.h"

namespace braid::nn {

LayerScaleImpl::LayerScaleImpl(int64_t dim, double init_values) {
  gamma = register_parameter("gamma", torch::full({dim}, init_values));
}

LayerScale2dImpl::LayerScale2dImpl(int64_t dim, double init_values, GammaShape shape) {
  gamma = torch::full({dim}, init_values);
  if (shape == GammaShape::kMap) gamma = gamma.view({dim, 1, 1});
  gamma = register_parameter("gamma", gamma);
}

}  // namespace braid::nn
