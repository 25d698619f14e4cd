// Filters of single channels: of a plane, and of as many channels at once as a vector has numbers.
// See simd_math.h.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_shuffles.h"

namespace braid::runner::RUNNER_ISA {

constexpr int kFilterLines = 4;  // of outputs at once: sums that do not wait for each other
#if defined(__AVX512F__) || defined(__aarch64__)  // 32 registers
constexpr int kMostHeldWeights = 25;
#else
constexpr int kMostHeldWeights = 9;
#endif

// Lines [0, kHeight) of the outputs. What is loaded is multiplied for all lines that it is in the
// windows of. Where a line ends within a vector, the last whole one is computed again.
template <int kSize, int kStride, int kHeight>
static void filter_lines(const PlaneFilter& f, const float* x, float* y) {
  constexpr int kInputLines = (kHeight - 1) * kStride + kSize, kTaps = kSize * kSize;
  constexpr bool kHolds = kTaps <= kMostHeldWeights;
  const float* weights = f.weights;
  Floats held[kHolds ? kTaps : 1];
  if constexpr (kHolds) {
#pragma GCC unroll 25
    for (int t = 0; t < kTaps; ++t) held[t] = all(weights[t]);
  }
  const Floats low = all(f.low), high = all(f.high);
  for (int64_t i = 0; i < f.width; i += kLanes) {
    const int64_t at = i + kLanes <= f.width || f.width < kLanes ? i : f.width - kLanes;
    Floats sums[kHeight];
#pragma GCC unroll 4
    for (int r = 0; r < kHeight; ++r) sums[r] = all(f.bias);
#pragma GCC unroll 16
    for (int line = 0; line < kInputLines; ++line) {
      const int64_t phase = int64_t{line % kStride} * kStride;
      const float* from = x + at + line / kStride * f.line + phase * f.phase;
#pragma GCC unroll 8
      for (int k = 0; k < kSize; ++k) {
        const Floats pixels = load(from + k % kStride * f.phase + k / kStride);
#pragma GCC unroll 4
        for (int r = 0; r < kHeight; ++r) {
          const int down = line - r * kStride;
          if (down < 0 || down >= kSize) continue;
          if constexpr (kHolds)
            sums[r] += held[down * kSize + k] * pixels;
          else
            sums[r] += weights[down * kSize + k] * pixels;
        }
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kHeight; ++r) {
      const Floats bounded = smallest(high, largest(low, sums[r]));
      float* to = y + r * f.width + at;
      if (f.width < kLanes)
        store_some(to, bounded, f.width);
      else
        store(to, bounded);
    }
  }
}

template <int kSize, int kStride, int kHeight>
static void filter_rest(const PlaneFilter& f, int64_t height, const float* x, float* y) {
  if (height == kHeight) return filter_lines<kSize, kStride, kHeight>(f, x, y);
  if constexpr (kHeight > 1) filter_rest<kSize, kStride, kHeight - 1>(f, height, x, y);
}

template <int kSize, int kStride>
static void filter_plane_of(const PlaneFilter& f, const float* x, float* y) {
  for (int64_t row = 0; row < f.height; row += kFilterLines) {
    const int64_t left = f.height - row;
    filter_rest<kSize, kStride, kFilterLines>(f, left < kFilterLines ? left : kFilterLines,
                                              x + row * f.line, y + row * f.width);
  }
}

static void filter_plane(const PlaneFilter& f, const float* x, float* y) {
  static_assert(kLanes + 7 <= kSlack);
  switch (f.size * 10 + f.stride) {
    case 31:
      return filter_plane_of<3, 1>(f, x, y);
    case 32:
      return filter_plane_of<3, 2>(f, x, y);
    case 51:
      return filter_plane_of<5, 1>(f, x, y);
    case 52:
      return filter_plane_of<5, 2>(f, x, y);
    case 71:
      return filter_plane_of<7, 1>(f, x, y);
    default:
      return filter_plane_of<7, 2>(f, x, y);
  }
}

// The channels of each pixel side by side.
static void gather_channels(const ChannelFilters& f, const float* x, float* to) {
  const int64_t line = f.padded_width * kLanes, pixels = f.height * f.width;
  float* row = to + f.begin_column * kLanes;  // of pixel i
  int64_t column = 0;
  for (int64_t i = 0; i < pixels; i += kLanes) {
    const int64_t n = pixels - i < kLanes ? pixels - i : kLanes;
    Floats channels[kLanes];
#pragma GCC unroll 16
    for (int64_t c = 0; c < kLanes; ++c) {
      channels[c] = Floats{};
      if (c >= f.channels) continue;
      const float* from = x + c * pixels + i;
      channels[c] = n == kLanes ? load(from) : load_some(from, n);
    }
    transpose_square(channels);
#pragma GCC unroll 16
    for (int64_t k = 0; k < kLanes; ++k) {
      if (k >= n) continue;
      store(row + column * kLanes, channels[k]);
      if (++column < f.width) continue;
      column = 0;
      row += line;
    }
  }
}

static void scatter_channels(const ChannelFilters& f, const float* from, float* y) {
  const int64_t pixels = f.out_height * f.out_width;
  for (int64_t i = 0; i < pixels; i += kLanes) {
    const int64_t n = pixels - i < kLanes ? pixels - i : kLanes;
    Floats channels[kLanes];
#pragma GCC unroll 16
    for (int64_t k = 0; k < kLanes; ++k) channels[k] = load(from + (i + (k < n ? k : 0)) * kLanes);
    transpose_square(channels);
#pragma GCC unroll 16
    for (int64_t c = 0; c < kLanes; ++c) {
      if (c >= f.channels) continue;
      if (n == kLanes)
        store(y + c * pixels + i, channels[c]);
      else
        store_some(y + c * pixels + i, channels[c], n);
    }
  }
}

// So many outputs of a line, of all channels. x: the first window's first column, of line 0; the
// filter's rows [first, last) are in the image, the first one at line `top`.
template <int kOutputs>
static void filter_pixels(const ChannelFilters& f, const float* x, int64_t top, int64_t first,
                          int64_t last, float* y) {
  Floats sums[kOutputs];
  const Floats bias = load(f.bias);
#pragma GCC unroll 8
  for (int i = 0; i < kOutputs; ++i) sums[i] = bias;
  const int64_t step = f.stride[1] * kLanes;
  for (int64_t down = first; down < last; ++down) {
    const float* from = x + (top + (down - first) * f.dilation[0]) * f.padded_width * kLanes;
    const float* weights = f.weights + down * f.kernel[1] * kLanes;
    for (int64_t k = 0; k < f.kernel[1]; ++k, from += f.dilation[1] * kLanes, weights += kLanes) {
      const Floats weight = load(weights);
#pragma GCC unroll 8
      for (int i = 0; i < kOutputs; ++i) sums[i] += weight * load(from + i * step);
    }
  }
  const Floats low = all(f.low), high = all(f.high);
#pragma GCC unroll 8
  for (int i = 0; i < kOutputs; ++i) store(y + i * kLanes, smallest(high, largest(low, sums[i])));
}

template <int kOutputs>
static void filter_some_pixels(int64_t outputs, const ChannelFilters& f, const float* x,
                               int64_t top, int64_t first, int64_t last, float* y) {
  if (outputs == kOutputs) return filter_pixels<kOutputs>(f, x, top, first, last, y);
  if constexpr (kOutputs > 1) filter_some_pixels<kOutputs - 1>(outputs, f, x, top, first, last, y);
}

static void filter_channels(const ChannelFilters& f, const float* x, float* padded, float* sums,
                            float* y) {
  constexpr int kMost = 8;  // outputs at once
  gather_channels(f, x, padded);
  for (int64_t row = 0; row < f.out_height; ++row) {
    int64_t top = row * f.stride[0] - f.begin_row, first = 0, last = f.kernel[0];
    for (; top < 0 && first < last; top += f.dilation[0]) ++first;
    while (last > first && top + (last - 1 - first) * f.dilation[0] >= f.height) --last;
    for (int64_t column = 0; column < f.out_width;) {
      const int64_t left = f.out_width - column, parts = (left + kMost - 1) / kMost;
      const int64_t outputs = (left + parts - 1) / parts;
      filter_some_pixels<kMost>(outputs, f, padded + column * f.stride[1] * kLanes, top, first,
                                last, sums + (row * f.out_width + column) * kLanes);
      column += outputs;
    }
  }
  scatter_channels(f, sums, y);
}

}  // namespace braid::runner::RUNNER_ISA
