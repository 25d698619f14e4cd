#include "braid/ops/winograd_packed.h"

#include <torch/library.h>

#include <algorithm>

#include "braid/ops/winograd_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Tensor channels_last(const Tensor& map) { return map.contiguous(at::MemoryFormat::ChannelsLast); }

Tensor convolve_packed(const Tensor& X, const Tensor& packed, const std::optional<Tensor>& bias,
                       const std::optional<Tensor>& other, int64_t out_chs, bool relu) {
  const Tensor x = channels_last(X), added = other ? channels_last(*other) : Tensor();
  Tensor y = at::empty({x.size(0), out_chs, x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (y.numel() == 0) return y;
  WinogradPasses(winograd_level(),
                 {.images = x.size(0), .height = x.size(2), .width = x.size(3), .bfloat16 = false})
      .convolve(x.const_data_ptr(), x.size(1), packed.const_data_ptr<float>(), y.mutable_data_ptr(),
                out_chs,
                {.bias = bias ? bias->const_data_ptr<float>() : nullptr,
                 .other = other ? added.const_data_ptr() : nullptr,
                 .relu = relu});
  return y;
}

// With the dispatcher, so that graphs have it.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "winograd_conv3x3_packed(Tensor X, Tensor packed, Tensor? bias, Tensor? other, int out_chs, "
      "bool relu) -> Tensor",
      convolve_packed);
}

}  // namespace

Tensor pack_winograd_filters(const Tensor& weight) {
  return WinogradPasses(winograd_level(), {})
      .pack(channels_last(weight.detach()).const_data_ptr<float>(), weight.size(1), weight.size(0));
}

bool suits_packed_winograd(int64_t in_chs, int64_t out_chs, int64_t height, int64_t width) {
  // One image has to pay for reading four times as many weights.
  constexpr int64_t kFewestChannels = 16, kFewestTiles = 16;
  return std::min(in_chs, out_chs) >= kFewestChannels &&
         winograd_tiles(height) * winograd_tiles(width) >= kFewestTiles;
}

}  // namespace braid::ops
