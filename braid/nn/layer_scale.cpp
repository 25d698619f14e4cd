#include "braid/nn/layer_scale.h"

namespace braid::nn {

LayerScaleImpl::LayerScaleImpl(int64_t dim, double init_values) {
  gamma = register_parameter("gamma", torch::full({dim}, init_values));
}

LayerScale2dImpl::LayerScale2dImpl(int64_t dim, double init_values) {
  gamma = register_parameter("gamma", torch::full({dim}, init_values));
}

}  // namespace braid::nn
