// Winograd's minimal filtering F(4x4, 3x3): tiles of images to and from the points of the products.
// See simd_math.h, and ops/winograd.h for what it is.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_shuffles.h"
#include "braid/runner/kernels/simd_tiles.h"

namespace braid::runner::RUNNER_ISA {

// Powers of the points a = sqrt(1/2) and b = sqrt(2).
constexpr float kA = 0.70710678f, kA2 = 0.5f, kA3 = 0.35355339f;
constexpr float kB = 1.41421356f, kB2 = 2.0f, kB3 = 2.82842712f;

// B^T d: six pixels to the points 0, a, -a, b, -b and infinity.
static inline void to_points(const Floats* d, Floats* points) {
  const Floats even_a = d[4] - kB2 * d[2], odd_a = d[3] - kB2 * d[1];
  const Floats even_b = d[4] - kA2 * d[2], odd_b = d[3] - kA2 * d[1];
  points[0] = d[0] + d[4] - (kA2 + kB2) * d[2];
  points[1] = even_a + kA * odd_a;
  points[2] = even_a - kA * odd_a;
  points[3] = even_b + kB * odd_b;
  points[4] = even_b - kB * odd_b;
  points[5] = d[1] + d[5] - (kA2 + kB2) * d[3];
}

// A^T m: the points to four pixels.
static inline void to_pixels(const Floats* m, Floats* pixels) {
  const Floats sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const Floats sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  pixels[0] = m[0] + sum_a + sum_b;
  pixels[1] = kA * difference_a + kB * difference_b;
  pixels[2] = kA2 * sum_a + kB2 * sum_b;
  pixels[3] = kA3 * difference_a + kB3 * difference_b + m[5];
}

// G g: three numbers of a filter to the points.
static inline void filter_to_points(const Floats* g, Floats* points) {
  const Floats sum_a = (g[0] + kA2 * g[2]) * (-2.0f / 3), sum_b = (g[0] + kB2 * g[2]) * (1.0f / 6);
  points[0] = g[0];
  points[1] = sum_a - kA * (2.0f / 3) * g[1];
  points[2] = sum_a + kA * (2.0f / 3) * g[1];
  points[3] = sum_b + kB * (1.0f / 6) * g[1];
  points[4] = sum_b - kB * (1.0f / 6) * g[1];
  points[5] = g[2];
}

static float winograd_filters(const float* filters, int64_t n, float* points, int64_t stride) {
  static_assert(kRows < kLanes || kRows % kLanes == 0);
  Floats checked = {};
  for (int64_t c = 0; c < n; ++c, filters += 9 * kRows, points += kRows)
    for (int64_t r = 0; r < kRows; r += kLanes) {
      Floats down[3][6];  // [column of the filter, point down]
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) {
        Floats three[3];
#pragma GCC unroll 3
        for (int i = 0; i < 3; ++i)
          three[i] = load_some(filters + (3 * i + j) * kRows + r, kRows < kLanes ? kRows : kLanes);
        filter_to_points(three, down[j]);
      }
      Floats total = {};
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
        const Floats three[3] = {down[0][i], down[1][i], down[2][i]};
        Floats six[6];
        filter_to_points(three, six);
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
          total += six[j];
          float* to = points + (6 * i + j) * stride + r;
          if constexpr (kRows < kLanes)
            store_some(to, six[j], kRows);
          else
            store(to, six[j]);
        }
      }
      checked += total * 0.0f;
    }
  return add_up(checked);
}

static void winograd_across(const float* pixels, int64_t pixel_stride, int64_t rows, int64_t tiles,
                            float* points, int64_t stride) {
  static_assert(4 * kLanes + 2 <= 2 * kSlack);
  for (int64_t y = 0; y < rows; ++y, pixels += pixel_stride) {
    float* to = points + y % 4 * 6 * stride + y / 4 * tiles;
    for (int64_t t = 0; t < tiles; t += kLanes) {
      const float* from = pixels + 4 * t;
      const Floats a = load(from), b = load(from + kLanes), c = load(from + 2 * kLanes),
                   d = load(from + 3 * kLanes);
      const Floats even_low = even(a, b), even_high = even(c, d);
      const Floats odd_low = odd(a, b), odd_high = odd(c, d);
      Floats six[6] = {even(even_low, even_high), even(odd_low, odd_high), odd(even_low, even_high),
                       odd(odd_low, odd_high)};
      six[4] = moved_up(six[0], from[4 * kLanes]);
      six[5] = moved_up(six[1], from[4 * kLanes + 1]);
      Floats made[6];
      to_points(six, made);
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) store(to + j * stride + t, made[j]);
    }
  }
}

static void winograd_down(const float* rows, int64_t stride, int64_t tiles_across, int64_t n,
                          int64_t room, float* points, int64_t points_stride) {
  for (int64_t t = 0; t < n; t += kLanes) {
    const bool is_whole = t + kLanes <= room;
#pragma GCC unroll 1
    for (int j = 0; j < 6; ++j) {
      const float* from = rows + j * stride + t;
      Floats six[6], made[6];
#pragma GCC unroll 6
      for (int64_t i = 0; i < 6; ++i)
        six[i] = load(from + i % 4 * 6 * stride + i / 4 * tiles_across);
      to_points(six, made);
      float* to = points + j * points_stride + t;
      if (is_whole) {
#pragma GCC unroll 6
        for (int64_t i = 0; i < 6; ++i) store(to + 6 * i * points_stride, made[i]);
      } else {
        for (int64_t i = 0; i < 6; ++i) store_some(to + 6 * i * points_stride, made[i], room - t);
      }
    }
  }
}

static float winograd_back(const float* products, int64_t stride, int64_t tiles, float* pixels,
                           int64_t pixel_stride) {
  Floats checked = {};
  for (int64_t t = 0; t < tiles; t += kLanes) {
    Floats down[4][6];  // [row of the tile, point across]
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      Floats six[6], made[4];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) six[i] = load(products + (6 * i + j) * stride + t);
      to_pixels(six, made);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) down[i][j] = made[i];
    }
    Floats total = {};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Floats four[4];
      to_pixels(down[i], four);
      total += four[0] + four[1] + (four[2] + four[3]);
      const Floats even_low = low(four[0], four[2]), even_high = high(four[0], four[2]);
      const Floats odd_low = low(four[1], four[3]), odd_high = high(four[1], four[3]);
      float* to = pixels + i * pixel_stride + 4 * t;
      store(to, low(even_low, odd_low));
      store(to + kLanes, high(even_low, odd_low));
      store(to + 2 * kLanes, low(even_high, odd_high));
      store(to + 3 * kLanes, high(even_high, odd_high));
    }
    checked += total * 0.0f;  // NaN from then on where a number is not finite
  }
  return add_up(checked);
}

}  // namespace braid::runner::RUNNER_ISA
