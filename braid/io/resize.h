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

// A part of a result, in whole pixels.
struct Part {
  int64_t top = 0, left = 0, height = 0, width = 0;
};

// Resamples `box` of `image` to height x width. The same fixed-point arithmetic as PIL's:
// separable, 8-bit between the passes, the filter widened by the ratio when shrinking.
Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
             const Box& box);
Image resize(const Image& image, int64_t height, int64_t width, Interpolation interpolation);
// The same image to height x width, and of that a part, which lies in it. Only that is computed,
// and only what it is made of is read: a narrow image may become a very long one.
Image resize_part(const Image& image, int64_t height, int64_t width, Interpolation interpolation,
                  const Part& part);

}  // namespace braid::io
