// The loops of depthwise convolutions on vectors over channels, see runner/kernels/simd_math.h:
// compiled with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/depthwise_conv_kernels.h"
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

static_assert(kBlockChannels % kLanes == 0);

template <class T>
static void widen_row(const void* from, PixelRow row, float* to, int64_t step, int64_t block) {
  const auto* x = static_cast<const typename T::Stored*>(from);
  for (int64_t i = 0; i < row.pixels; ++i, x += row.pitch, to += step * kBlockChannels)
    over_channels(row.chans, [=](int64_t c, auto span) {
      float* there = to + c / kBlockChannels * block + c % kBlockChannels;
      Float32::store(there, T::load(x + c, span), span);
    });
}
static void widen(const void* from, PixelRow row, float* to, int64_t step, int64_t block) {
  return row.bfloat16 ? widen_row<BFloat16>(from, row, to, step, block)
                      : widen_row<Float32>(from, row, to, step, block);
}

// Columns of the kernel, and pixels from one output to the next.
template <int K, int S>
struct Shape {
  static constexpr int kKernel = K, kStride = S;
};
constexpr int kTile = static_cast<int>(kTileColumns);

// The address itself, so that columns are constants away from it: else the compiler makes an
// address of each outside of the loop, more than there are registers.
template <class T>
[[gnu::always_inline]] static inline T* settled(T* address) {
  asm("" : "+r"(address));
  return address;
}

// sums += what `Count` columns of a row of the kernel, from `First` on, give: as many as the
// registers hold beside the sums.
template <class Shape, int First, int Count>
[[gnu::always_inline]] static inline void add_columns(Floats (&sums)[kTile], const float* x,
                                                      const float* weights) {
  constexpr int S = Shape::kStride;
  Floats taps[Count];
#pragma GCC unroll 8
  for (int k = 0; k < Count; ++k)
    taps[k] = Float32::load(weights + (First + k) * kBlockChannels, Whole{});
#pragma GCC unroll 32
  for (int i = 0; i < (kTile - 1) * S + Count; ++i) {
    const Floats pixel = Float32::load(x + (First + i) * kBlockChannels, Whole{});
#pragma GCC unroll 8
    for (int n = 0; n < kTile; ++n)
      if (i - n * S >= 0 && i - n * S < Count) sums[n] += pixel * taps[i - n * S];
  }
}

template <class Shape>
[[gnu::always_inline]] static inline void add_row(Floats (&sums)[kTile], const float* x,
                                                  const float* weights) {
  if constexpr (Shape::kKernel == 7) {
    add_columns<Shape, 0, 4>(sums, x, weights);
    add_columns<Shape, 4, 3>(sums, x, weights);
  } else {
    add_columns<Shape, 0, Shape::kKernel>(sums, x, weights);
  }
}

// Outputs of a tile, of which `count` are written.
template <class Shape, class T, class Span>
[[gnu::always_inline]] static inline void convolve_vector(const Window& window, int64_t at,
                                                          const float* const* weights, int64_t tap,
                                                          const float* bias, typename T::Stored* y,
                                                          int64_t pitch, int64_t count, Span span) {
  Floats sums[kTile];
  const Floats start = Float32::load(bias, Whole{});
#pragma GCC unroll 8
  for (int n = 0; n < kTile; ++n) sums[n] = start;
  for (int64_t r = 0; r < window.rows; ++r)
    add_row<Shape>(sums, settled(window.x[r] + at), settled(weights[r] + tap));
#pragma GCC unroll 8
  for (int n = 0; n < kTile; ++n)
    if (n < count) T::store(y + n * pitch, sums[n], span);
}

template <class Shape, class T>
static void convolve_row(const Window& window, const float* const* weights, const float* bias,
                         void* to, const PixelRow& row) {
  auto* y = static_cast<typename T::Stored*>(to);
  constexpr int64_t taps = Shape::kKernel * Shape::kKernel * kBlockChannels;
  for (int64_t first = 0; first < row.pixels; first += kTile, y += kTile * row.pitch)
    over_channels(row.chans, [&](int64_t c, auto span) {
      const int64_t block = c / kBlockChannels, lane = c % kBlockChannels;
      const int64_t at = block * window.block + first * Shape::kStride * kBlockChannels + lane;
      convolve_vector<Shape, T>(window, at, weights, block * taps + lane, bias + c, y + c,
                                row.pitch, row.pixels - first, span);
    });
}

template <class Shape, int First, int Count>
[[gnu::always_inline]] static inline void correlate_columns(const Floats (&back)[kTile],
                                                            const float* x, float* sums) {
  constexpr int S = Shape::kStride;
  Floats taps[Count];
#pragma GCC unroll 8
  for (int k = 0; k < Count; ++k)
    taps[k] = Float32::load(sums + (First + k) * kBlockChannels, Whole{});
#pragma GCC unroll 32
  for (int i = 0; i < (kTile - 1) * S + Count; ++i) {
    const Floats pixel = Float32::load(x + (First + i) * kBlockChannels, Whole{});
#pragma GCC unroll 8
    for (int n = 0; n < kTile; ++n)
      if (i - n * S >= 0 && i - n * S < Count) taps[i - n * S] += pixel * back[n];
  }
#pragma GCC unroll 8
  for (int k = 0; k < Count; ++k)
    Float32::store(sums + (First + k) * kBlockChannels, taps[k], Whole{});
}

template <class Shape>
static void correlate_row(const Window& window, const float* dy, int64_t dy_block, int64_t outputs,
                          int64_t chans, float* const* sums, float* bias_sums) {
  constexpr int64_t taps = Shape::kKernel * Shape::kKernel * kBlockChannels;
  for (int64_t first = 0; first < outputs; first += kTile)
    for (int64_t c = 0; c < chans; c += kLanes) {
      const int64_t block = c / kBlockChannels, lane = c % kBlockChannels;
      const float* from = dy + block * dy_block + first * kBlockChannels + lane;
      const int64_t at = block * window.block + first * Shape::kStride * kBlockChannels + lane;
      Floats back[kTile], of_bias = Float32::load(bias_sums + c, Whole{});
#pragma GCC unroll 8
      for (int n = 0; n < kTile; ++n) {
        back[n] = Float32::load(from + n * kBlockChannels, Whole{});
        of_bias += back[n];
      }
      Float32::store(bias_sums + c, of_bias, Whole{});
      for (int64_t r = 0; r < window.rows; ++r) {
        const float* x = settled(window.x[r] + at);
        float* sum = settled(sums[r] + block * taps + lane);
        if constexpr (Shape::kKernel == 7) {
          correlate_columns<Shape, 0, 4>(back, x, sum);
          correlate_columns<Shape, 4, 3>(back, x, sum);
        } else {
          correlate_columns<Shape, 0, Shape::kKernel>(back, x, sum);
        }
      }
    }
}

// work(Shape): of the window.
template <class Work>
static inline void by_shape(const Window& window, Work work) {
  const bool whole = window.stride == 1;
  switch (window.kernel) {
    case 3:
      return whole ? work(Shape<3, 1>()) : work(Shape<3, 2>());
    case 5:
      return whole ? work(Shape<5, 1>()) : work(Shape<5, 2>());
    default:
      return whole ? work(Shape<7, 1>()) : work(Shape<7, 2>());
  }
}

static void convolve(Window window, const float* const* weights, const float* bias, void* y,
                     PixelRow row) {
  by_shape(window, [&](auto shape) {
    if (row.bfloat16)
      convolve_row<decltype(shape), BFloat16>(window, weights, bias, y, row);
    else
      convolve_row<decltype(shape), Float32>(window, weights, bias, y, row);
  });
}

static void correlate(Window window, const float* dy, int64_t dy_block, int64_t outputs,
                      int64_t chans, float* const* sums, float* bias_sums) {
  by_shape(window, [&](auto shape) {
    correlate_row<decltype(shape)>(window, dy, dy_block, outputs, chans, sums, bias_sums);
  });
}

// name: for people, and that of the runner's kernels for the same processors.
static constexpr DepthwiseConvKernels make_depthwise_conv(const char* name) {
  return {.name = name, .widen = widen, .convolve = convolve, .correlate = correlate};
}

}  // namespace braid::ops::RUNNER_ISA
