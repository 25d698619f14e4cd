#include "braid/nn/conv/patches.h"

#include "braid/nn/basic/layout.h"
#include "braid/nn/conv/square_conv.h"

namespace braid::nn {

bool suits_patch_product(const torch::nn::Conv2dImpl& layer, const torch::Tensor& x) {
  constexpr int64_t kMostPatches = 1 << 15;  // of a batch
  const auto conv = as_square(layer);
  if (!conv || conv->kernel == 1 || conv->stride != conv->kernel || conv->padding != 0 ||
      conv->groups != 1 || !x.is_cpu() || x.dim() != 4)
    return false;
  const int64_t rows = x.size(2) / conv->kernel, columns = x.size(3) / conv->kernel;
  return rows > 0 && columns > 0 && x.size(0) * rows * columns <= kMostPatches;
}

torch::Tensor patch_product(torch::nn::Conv2d& layer, const torch::Tensor& x) {
  const int64_t B = x.size(0), C = x.size(1), k = layer->weight.size(2), D = layer->weight.size(0);
  const int64_t h = x.size(2) / k, w = x.size(3) / k;
  const auto map = to_nhwc(x).narrow(1, 0, h * k).narrow(2, 0, w * k);
  const auto patches = map.reshape({B, h, k, w, k, C}).permute({0, 1, 3, 2, 4, 5});
  const auto y = at::linear(patches.reshape({B * h * w, k * k * C}),
                            to_nhwc(layer->weight).reshape({D, k * k * C}), layer->bias);
  return to_nchw(y.view({B, h, w, D}));
}

}  // namespace braid::nn
