// Planes of pixels: padded, and laid out so that a window's steps are steps in memory.
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
Plane padded_plane(const Plane& input, const Window& window);

// [channels,H,W] -> [channels,H',W'], zeros around.
void pad_planes(const RunContext& context, const float* from, int64_t channels, const Plane& input,
                const Window& window, float* to);
// The same of bytes, `fill` around.
void pad_bytes(const RunContext& context, const uint8_t* from, int64_t channels, const Plane& input,
               const Window& window, uint8_t fill, uint8_t* to);
// Of each channel and each place in the window, what it adds to an address in the padded image.
std::vector<int64_t> window_offsets(const Window& window, const Plane& padded, int64_t channels);
// Of each output pixel, where its window begins.
std::vector<int64_t> output_offsets(const Window& window, const Plane& padded, const Plane& output);

// A channel of its own filter. Pixels are sorted by their place within the stride, so that
// neighbours in the output are neighbours in memory, whatever the stride; all outputs of a plane
// are then one row, with some between the lines that are dropped.
class PhasedPlane {
 public:
  PhasedPlane(const Plane& input, const Plane& output, const Window& window);
  int64_t scratch_floats() const { return phases_floats() + row_floats(); }
  void clear(float* scratch) const;  // the padding; once
  // weights: [kh,kw]; scratch: cleared once, of scratch_floats; out: [H',W'] of the output.
  void convolve(const Kernels& kernels, const float* image, const float* weights, float* scratch,
                float* out) const;

 private:
  int64_t phases_floats() const;
  int64_t row_floats() const;

  Plane input_, output_, phase_;
  Window window_;
  std::vector<int64_t> offsets_;  // of each tap
};

}  // namespace braid::runner
