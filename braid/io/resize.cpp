#include "braid/io/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace braid::io {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // of the fixed-point weights, as in PIL

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double bicubic(double x) {  // Keys' kernel with a = -0.5
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

// For each output position of a stretch of them, the first input position and the fixed-point
// weights from there on.
struct Weights {
  int64_t taps = 0;  // weights per output position, zero-filled
  std::vector<int64_t> first, count;
  std::vector<int32_t> values;
};

// begin, size: the stretch.
Weights make_weights(int64_t in_size, double low, double high, int64_t out_size,
                     Interpolation interpolation, int64_t begin, int64_t size) {
  const double scale = (high - low) / static_cast<double>(out_size);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (interpolation == Interpolation::kBicubic ? 2.0 : 1.0) * filter_scale;
  const auto kernel = interpolation == Interpolation::kBicubic ? bicubic : bilinear;
  Weights w;
  w.taps = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  w.first.resize(static_cast<size_t>(size));
  w.count.resize(static_cast<size_t>(size));
  w.values.assign(static_cast<size_t>(size * w.taps), 0);
  std::vector<double> exact(static_cast<size_t>(w.taps));
  for (int64_t i = 0; i < size; ++i) {
    const double center = low + (static_cast<double>(begin + i) + 0.5) * scale;
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(std::floor(center - support + 0.5)));
    const auto last =
        std::min<int64_t>(in_size, static_cast<int64_t>(std::floor(center + support + 0.5)));
    const int64_t count = last - first;
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      exact[static_cast<size_t>(k)] =
          kernel((static_cast<double>(k + first) - center + 0.5) / filter_scale);
      sum += exact[static_cast<size_t>(k)];
    }
    for (int64_t k = 0; k < count; ++k) {
      const double value =
          exact[static_cast<size_t>(k)] / (sum != 0 ? sum : 1) * (1 << kPrecisionBits);
      w.values[static_cast<size_t>(i * w.taps + k)] =
          static_cast<int32_t>(value + (value < 0 ? -0.5 : 0.5));
    }
    w.first[static_cast<size_t>(i)] = first;
    w.count[static_cast<size_t>(i)] = count;
  }
  return w;
}

uint8_t from_fixed_point(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

Image cut(const Image& in, const Part& part) {
  const int64_t stride = part.width * in.channels;
  Image out{part.height, part.width, in.channels,
            std::vector<uint8_t>(static_cast<size_t>(part.height * stride))};
  for (int64_t y = 0; y < part.height; ++y)
    std::copy_n(in.pixels.data() + ((part.top + y) * in.width + part.left) * in.channels, stride,
                out.pixels.data() + y * stride);
  return out;
}

// rows [first_row, first_row + rows) of `in`, resampled along x.
Image horizontal(const Image& in, const Weights& w, int64_t width, int64_t first_row,
                 int64_t rows) {
  const int64_t C = in.channels;
  Image out{rows, width, C, std::vector<uint8_t>(static_cast<size_t>(rows * width * C))};
  for (int64_t y = 0; y < rows; ++y) {
    const uint8_t* row = in.pixels.data() + (first_row + y) * in.width * C;
    uint8_t* target = out.pixels.data() + y * width * C;
    for (int64_t x = 0; x < width; ++x) {
      const int32_t* weights = &w.values[static_cast<size_t>(x * w.taps)];
      const uint8_t* source = row + w.first[static_cast<size_t>(x)] * C;
      const int64_t count = w.count[static_cast<size_t>(x)];
      for (int64_t c = 0; c < C; ++c) {
        int32_t sum = kHalf;
        for (int64_t k = 0; k < count; ++k) sum += source[k * C + c] * weights[k];
        *target++ = from_fixed_point(sum);
      }
    }
  }
  return out;
}

// Row by row, so that the inner loop runs along memory and vectorizes.
Image vertical(const Image& in, const Weights& w, int64_t height, int64_t row_offset) {
  const int64_t stride = in.width * in.channels;
  Image out{height, in.width, in.channels,
            std::vector<uint8_t>(static_cast<size_t>(height * stride))};
  std::vector<int32_t> sums(static_cast<size_t>(stride));
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const int64_t first = w.first[static_cast<size_t>(y)] - row_offset;
    for (int64_t k = 0; k < w.count[static_cast<size_t>(y)]; ++k) {
      const int32_t weight = w.values[static_cast<size_t>(y * w.taps + k)];
      const uint8_t* row = in.pixels.data() + (first + k) * stride;
      for (int64_t i = 0; i < stride; ++i) sums[static_cast<size_t>(i)] += row[i] * weight;
    }
    uint8_t* target = out.pixels.data() + y * stride;
    for (int64_t i = 0; i < stride; ++i) target[i] = from_fixed_point(sums[static_cast<size_t>(i)]);
  }
  return out;
}

// Of box, resampled to height x width, a part.
Image resize_box(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
                 const Box& box, const Part& part) {
  const bool keep_width =
      width == image.width && box.left == 0 && box.right == static_cast<double>(width);
  const bool keep_height =
      height == image.height && box.top == 0 && box.bottom == static_cast<double>(height);
  if (keep_width && keep_height) return cut(image, part);
  const Weights down = keep_height ? Weights()
                                   : make_weights(image.height, box.top, box.bottom, height,
                                                  interpolation, part.top, part.height);
  const auto last = static_cast<size_t>(part.height - 1);
  const int64_t first_row = keep_height ? part.top : down.first[0];
  const int64_t rows = keep_height ? part.height : down.first[last] + down.count[last] - first_row;
  Image narrow = keep_width ? cut(image, {first_row, part.left, rows, part.width})
                            : horizontal(image,
                                         make_weights(image.width, box.left, box.right, width,
                                                      interpolation, part.left, part.width),
                                         part.width, first_row, rows);
  if (keep_height) return narrow;
  return vertical(narrow, down, part.height, first_row);
}

Box whole(const Image& image) {
  return {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)};
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
             const Box& box) {
  return resize_box(image, height, width, interpolation, box, {0, 0, height, width});
}

Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation) {
  return resize(image, height, width, interpolation, whole(image));
}

Image resize_part(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
                  const Part& part) {
  return resize_box(image, height, width, interpolation, whole(image), part);
}

}  // namespace braid::io
