// What rows of a convolution's outputs see of a map: rows of its pixels in float32, with the zeros
// around them and between them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "braid/ops/kernels/depthwise_conv_kernels.h"
#include "braid/ops/numbers.h"

namespace braid::ops {

inline constexpr int64_t kMostRows = 7;  // of a kernel

// Zeros, from an address on that a cache line begins at.
class Scratch {
 public:
  explicit Scratch(int64_t numbers);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* at(int64_t number) const { return first_ + number; }

 private:
  std::vector<float> memory_;
  float* first_;
};

// [images, height, width] pixels.
struct Maps {
  int64_t images = 0, height = 0, width = 0;
  int64_t pixels() const { return height * width; }  // of one image
};

// What outputs see of maps that are spread: `step` - 1 rows and columns of zeros between their own,
// `padding` ones before them, as many as are seen after them.
struct View {
  Maps maps;
  int64_t step = 1, padding = 0;
  int64_t kernel = 3, stride = 1;
};

// Outputs of a row that are computed together, so that the rows that they see stay in the cache.
struct Segment {
  int64_t first = 0, count = 0;
};
std::vector<Segment> segments_of(const View& view, int64_t outputs, int64_t chans);

// The rows that one row of outputs sees but those of zeros alone, and their places in the kernel.
struct Seen {
  int64_t count = 0;
  const float* x[kMostRows] = {};
  int64_t place[kMostRows] = {};
};

// The rows of one image that a segment sees, each made once.
class SeenRows {
 public:
  // pixels: how they lie in the map.
  SeenRows(const DepthwiseConvKernels& kernels, const View& view, Segment segment, PixelRow pixels);

  // image: its first pixel.
  void open(const void* image);
  Seen of_output(int64_t row);
  Window window(const Seen& seen) const {
    return {view_.kernel, view_.stride, seen.count, seen.x, columns_ * kBlockChannels};
  }

 private:
  const float* row(int64_t at);

  const DepthwiseConvKernels& kernels_;
  View view_;
  PixelRow pixels_;
  int64_t columns_, first_pixel_, first_column_;
  Scratch scratch_;
  int64_t held_[kMostRows] = {};  // rows of the map in the scratch memory
  const char* image_ = nullptr;
};

}  // namespace braid::ops
