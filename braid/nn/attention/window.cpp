#include "braid/nn/attention/window.h"

namespace braid::nn {

torch::Tensor window_partition(const torch::Tensor& x, int64_t size) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  return x.view({B, H / size, size, W / size, size, C})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, size * size, C});
}

torch::Tensor window_reverse(const torch::Tensor& windows, int64_t size, int64_t H, int64_t W) {
  const int64_t C = windows.size(2);
  return windows.view({-1, H / size, W / size, size, size, C})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, H, W, C});
}

torch::Tensor grid_partition(const torch::Tensor& x, int64_t size) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  return x.view({B, size, H / size, size, W / size, C})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({-1, size * size, C});
}

torch::Tensor grid_reverse(const torch::Tensor& groups, int64_t size, int64_t H, int64_t W) {
  const int64_t C = groups.size(2);
  return groups.view({-1, H / size, W / size, size, size, C})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({-1, H, W, C});
}

}  // namespace braid::nn
