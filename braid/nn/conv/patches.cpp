#include "braid/nn/conv/patches.h"

#include <variant>

namespace braid::nn {
namespace {

torch::Tensor channels_last(const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); }

bool all_are(const torch::ExpandingArray<2>& sides, int64_t value) {
  return (*sides)[0] == value && (*sides)[1] == value;
}

}  // namespace

bool suits_patch_product(const torch::nn::Conv2dImpl& layer, const torch::Tensor& x) {
  constexpr int64_t kMostPatches = 1 << 15;  // of a batch
  const auto& options = layer.options;
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&options.padding());
  const int64_t k = (*options.kernel_size())[0];
  return x.is_cpu() && x.dim() == 4 && k > 1 && options.groups() == 1 && padding != nullptr &&
         all_are(options.kernel_size(), k) && all_are(options.stride(), k) &&
         all_are(*padding, 0) && all_are(options.dilation(), 1) && x.size(2) >= k &&
         x.size(3) >= k && x.size(0) * (x.size(2) / k) * (x.size(3) / k) <= kMostPatches;
}

torch::Tensor patch_product(torch::nn::Conv2d& layer, const torch::Tensor& x) {
  const int64_t B = x.size(0), C = x.size(1), k = layer->weight.size(2), D = layer->weight.size(0);
  const int64_t h = x.size(2) / k, w = x.size(3) / k;
  const auto map = channels_last(x).narrow(1, 0, h * k).narrow(2, 0, w * k);
  const auto patches = map.reshape({B, h, k, w, k, C}).permute({0, 1, 3, 2, 4, 5});
  const auto y = at::linear(patches.reshape({B * h * w, k * k * C}),
                            channels_last(layer->weight).reshape({D, k * k * C}), layer->bias);
  return y.view({B, h, w, D}).permute({0, 3, 1, 2});
}

}  // namespace braid::nn
