// 3x3 convolutions of channels-last maps by Winograd's minimal filtering, on several threads.
#pragma once
#include <vector>

#include "braid/ops/kernels/winograd_kernels.h"
#include "braid/ops/numbers.h"
#include "braid/runner/kernels/kernels.h"
#include "braid/torch.h"

namespace braid::ops {

// The transforms and the products between them, compiled for the same set of instructions.
struct WinogradLevel {
  const WinogradKernels& transforms;
  const runner::Kernels& products;
};
// That for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
WinogradLevel winograd_level();
std::vector<WinogradLevel> usable_winograd_levels();

// Tiles that cover so many pixels.
inline int64_t winograd_tiles(int64_t pixels) { return parts(pixels, kWinogradOutputs); }

// Stride 1, one pixel of padding: outputs are as many as inputs.
struct WinogradMaps {
  int64_t images = 0, height = 0, width = 0;
  bool bfloat16 = false;  // the pixels, else float32
};

// What follows a convolution: + bias + other, then perhaps ReLU.
struct WinogradAfter {
  const float* bias = nullptr;  // of each channel, or none
  const void* other = nullptr;  // a map as y is, or none
  bool relu = false;
};

// Maps are channels-last, one pixel after another; so are filters and their gradients, float32
// [out, 3, 3, in].
class WinogradPasses {
 public:
  WinogradPasses(WinogradLevel level, const WinogradMaps& maps) : level_(level), maps_(maps) {}

  // Transformed filters, for convolve() of this level; turned by half a circle, from out to in, for
  // the gradient of x.
  torch::Tensor pack(const float* filters, int64_t in_chs, int64_t out_chs) const;
  torch::Tensor pack_turned(const float* filters, int64_t in_chs, int64_t out_chs) const;
  void convolve(const void* x, int64_t in_chs, const float* packed, void* y, int64_t out_chs,
                const WinogradAfter& after = {}) const;
  void weight_gradient(const void* dy, int64_t out_chs, const void* x, int64_t in_chs,
                       float* dfilters) const;

 private:
  int64_t tiles() const {
    return maps_.images * winograd_tiles(maps_.height) * winograd_tiles(maps_.width);
  }
  int64_t block_tiles(int64_t chans) const;
  torch::Tensor empty_packed(int64_t in_chs, int64_t out_chs) const;
  WinogradLayout packed_layout(int64_t in_chs, int64_t out_chs) const;

  WinogradLevel level_;
  WinogradMaps maps_;
};

}  // namespace braid::ops
