// Planes of pixels, laid out so that a window's steps are steps in memory.
#pragma once
#include <vector>

#include "braid/runner/ops/convolution.h"

namespace braid::runner {

struct Plane {
  int64_t height = 0, width = 0;
  int64_t size() const { return height * width; }
  bool operator==(const Plane&) const = default;
};

Plane plane_of(const Tensor& image, const Window& window);  // [N,C,H,W] or [N,C,W]
Plane output_of(const Plane& input, const Window& window);
// How planes are laid out for a window: padded, and pixels sorted by their place within the stride,
// so that neighbours in the output are neighbours in memory, whatever the stride. A channel is
// [stride[0] * stride[1], phase.height, phase.width].
class PhasedLayout {
 public:
  PhasedLayout(const Plane& input, const Window& window);

  // Whether images are laid out so as they are.
  bool is_plain() const {
    return window_.stride[0] == 1 && window_.stride[1] == 1 && phase_ == input_;
  }
  const Plane& phase() const { return phase_; }
  int64_t size() const { return window_.stride[0] * window_.stride[1] * phase_.size(); }
  // Of each channel and each place in the window, what it adds to an address.
  std::vector<int64_t> window_offsets(int64_t channels) const;
  // Of each output pixel, where its window begins.
  std::vector<int64_t> output_offsets(const Plane& output) const;

  // One channel; `to` holds the padding already.
  void place(const Kernels& kernels, const float* from, float* to) const;
  // All of an image's channels.
  void fill(const RunContext& context, const float* from, int64_t channels, float* to) const;
  void fill(const RunContext& context, const uint8_t* from, int64_t channels, uint8_t padding,
            uint8_t* to) const;

 private:
  template <class T>
  void place_rows(const Kernels& kernels, const T* from, T* to) const;
  template <class T>
  void pad(T padding, T* to) const;
  template <class T>
  void fill_with(const RunContext& context, const T* from, int64_t channels, T padding,
                 T* to) const;

  Plane input_, phase_;
  Window window_;
  std::vector<bool> row_is_read_;  // of each row within the stride
};

// The offsets of the sizes that were seen last.
struct WindowOffsets {
  // by_channel: each channel by itself, and no outputs.
  void set(const PhasedLayout& layout, const Plane& input, const Plane& output, int64_t channels,
           bool by_channel);
  std::vector<int64_t> windows, outputs;

 private:
  Plane input_, output_;
};

// The columns [first, first + used) of a matrix of windows, of one tile, as stretches of memory.
struct Runs {
  Run list[kMostTileWidth];
  int64_t count = 0;
};
Runs runs_of(const std::vector<int64_t>& output_offsets, int64_t first, int64_t used);

}  // namespace braid::runner
