// The inner loops of depthwise convolutions, compiled once for each family of processors.
#pragma once
#include <stdint.h>

namespace braid::ops {

inline constexpr int64_t kBlockChannels = 16;  // numbers of the longest vector
inline constexpr int64_t kTileColumns = 8;     // outputs that a loop computes at once

// Pixels of a map: `chans` of the numbers at each, from pixel to pixel `pitch` numbers.
struct PixelRow {
  int64_t pixels = 0, chans = 0, pitch = 0;
  bool bfloat16 = false;  // else float32
};

// Rows of pixels as the loops read them: float32, [channels / 16, pixels, 16], so that a pixel's
// neighbours are a constant away; from one 16 channels to the next `block` numbers. Channels that
// are none are zero.
//
// What one row of outputs sees. Pixel 0 is the first that the first output sees, and there are as
// many as outputs see whose number is rounded up to tiles.
struct Window {
  int64_t kernel = 3;  // columns: 3, 5 or 7
  int64_t stride = 1;  // 1 or 2
  int64_t rows = 0;
  const float* const* x = nullptr;
  int64_t block = 0;
};

// Weights and sums: of each row in the window, of each column, [channels / 16, .., 16] with
// kernel * kernel * 16 numbers from block to block; bias and its sums: [channels], whole blocks.
struct DepthwiseConvKernels {
  const char* name;
  // The pixels as rows, at every `step`-th pixel of `to`.
  void (*widen)(const void* from, PixelRow row, float* to, int64_t step, int64_t block);
  // y = bias + sum over rows and columns of x * weights
  void (*convolve)(Window window, const float* const* weights, const float* bias, void* y,
                   PixelRow row);
  // sums += sum over outputs of x * dy; bias_sums += sum of dy. dy: a row, with zeros up to a whole
  // tile.
  void (*correlate)(Window window, const float* dy, int64_t dy_block, int64_t outputs,
                    int64_t chans, float* const* sums, float* bias_sums);
};

const DepthwiseConvKernels& baseline_depthwise_conv();
const DepthwiseConvKernels& avx2_depthwise_conv();
const DepthwiseConvKernels& avx512_depthwise_conv();
const DepthwiseConvKernels& avx512bf16_depthwise_conv();

}  // namespace braid::ops
