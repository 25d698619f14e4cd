// Antialiased resizing, equal to PIL's Image.resize.
#pragma once
#include <array>
#include <cstdint>

#include "braid/io/image.h"

namespace braid::io {

enum class Interpolation { kBilinear, kBicubic };

// A region of an image in pixels; fractions are allowed.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// Resamples `box` of `image` to height x width. The same fixed-point arithmetic as PIL's:
// separable, 8-bit between the passes, the filter widened by the ratio when shrinking.
Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
             const Box& box);
Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation);

}  // namespace braid::io
