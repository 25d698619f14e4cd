#include "braid/io/evaluation_view.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/resize.h"

namespace braid::io {
namespace {

int64_t round_to_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

Interpolation interpolation_of(const EvaluationView& view) {
  return view.interpolation == "bicubic" ? Interpolation::kBicubic : Interpolation::kBilinear;
}

// Along one side: what is taken of the resized image, and where in the view that begins.
struct Stretch {
  int64_t from = 0, size = 0, to = 0;
};
// The centre; where the resized image is smaller, it is filled up on both sides.
Stretch middle_of(int64_t resized, int64_t wanted) {
  if (resized < wanted) return {.size = resized, .to = (wanted - resized) / 2};
  return {.from = centred(resized - wanted), .size = wanted};
}

}  // namespace

Image crop(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  Image out{height, width, image.channels, {}};
  const int64_t stride = width * image.channels;
  out.pixels.resize(static_cast<size_t>(height * stride));
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* row = image.pixels.data() + ((top + y) * image.width + left) * image.channels;
    std::copy_n(row, stride, out.pixels.data() + y * stride);
  }
  return out;
}

int64_t centred(int64_t rest) { return round_to_even(static_cast<double>(rest) / 2); }

// What timm's evaluation transform resizes an image to.
std::pair<int64_t, int64_t> size_for_evaluation(const Image& image, const EvaluationView& view) {
  const auto scaled = [&](int64_t side) {
    return static_cast<int64_t>(std::floor(static_cast<double>(side) / view.crop_pct));
  };
  const int64_t height = scaled(view.height), width = scaled(view.width);
  if (view.crop_mode == "squash") return {height, width};
  if (view.crop_mode == "center" && height == width) {  // torchvision's Resize
    const int64_t shorter = std::min(image.height, image.width);
    return {height * image.height / shorter, height * image.width / shorter};
  }
  const double down = static_cast<double>(image.height) / static_cast<double>(height),
               across = static_cast<double>(image.width) / static_cast<double>(width);
  const double ratio = view.crop_mode == "border" ? std::max(down, across) : std::min(down, across);
  const auto shrunk = [&](int64_t side) {
    return std::max<int64_t>(1, round_to_even(static_cast<double>(side) / ratio));
  };
  return {shrunk(image.height), shrunk(image.width)};
}

Image resize_for_evaluation(const Image& image, const EvaluationView& view) {
  const Image source = convert_channels(image, view.channels);
  const auto [height, width] = size_for_evaluation(source, view);
  return resize(source, height, width, interpolation_of(view));
}

Image resize_part_for_evaluation(const Image& image, const EvaluationView& view, const Part& part) {
  if (image.channels != view.channels)
    throw InternalError("image", "expected " + std::to_string(view.channels) + " channels, got " +
                                     std::to_string(image.channels));
  const auto [height, width] = size_for_evaluation(image, view);
  return resize_part(image, height, width, interpolation_of(view), part);
}

// What is not in the view is never computed: of an image of one row that would be millions of them.
Image evaluation_view(const Image& image, const EvaluationView& view) {
  const Image source = convert_channels(image, view.channels);
  const auto [height, width] = size_for_evaluation(source, view);
  const auto rows = middle_of(height, view.height), columns = middle_of(width, view.width);
  Image middle = resize_part(source, height, width, interpolation_of(view),
                             {rows.from, columns.from, rows.size, columns.size});
  if (middle.height == view.height && middle.width == view.width) return middle;
  const int64_t C = view.channels;
  std::vector<uint8_t> fill(static_cast<size_t>(C), 0);
  if (view.crop_mode == "border")
    for (size_t c = 0; c < fill.size(); ++c)
      fill[c] =
          static_cast<uint8_t>(std::clamp<int64_t>(round_to_even(255 * view.mean.at(c)), 0, 255));
  Image filled{view.height, view.width, C, {}};
  filled.pixels.resize(static_cast<size_t>(view.height * view.width * C));
  for (size_t i = 0; i < filled.pixels.size(); ++i)
    filled.pixels[i] = fill[i % static_cast<size_t>(C)];
  for (int64_t y = 0; y < middle.height; ++y)
    std::copy_n(middle.pixels.data() + y * middle.width * C, middle.width * C,
                filled.pixels.data() + ((rows.to + y) * view.width + columns.to) * C);
  return filled;
}

}  // namespace braid::io
