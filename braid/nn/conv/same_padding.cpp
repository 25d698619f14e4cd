#include "braid/nn/conv/same_padding.h"

#include <algorithm>

namespace braid::nn {

torch::Tensor pad_same(const torch::Tensor& x, int64_t kernel, int64_t stride, double value) {
  const auto missing = [&](int64_t side) {
    return std::max<int64_t>(((side + stride - 1) / stride - 1) * stride + kernel - side, 0);
  };
  const int64_t h = missing(x.size(2)), w = missing(x.size(3));
  if (h == 0 && w == 0) return x;
  return torch::constant_pad_nd(x, {w / 2, w - w / 2, h / 2, h - h / 2}, value);
}

}  // namespace braid::nn
