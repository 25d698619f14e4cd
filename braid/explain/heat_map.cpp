#include "braid/explain/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace braid::explain {
namespace {

using torch::Tensor;

constexpr int64_t kLeastSide = 224;  // pixels of a picture

// matplotlib's inferno at nine equal steps.
constexpr std::array<std::array<double, 3>, 9> kColours = {{{0, 0, 4},
                                                            {31, 12, 72},
                                                            {85, 15, 109},
                                                            {136, 34, 106},
                                                            {188, 55, 84},
                                                            {227, 89, 51},
                                                            {249, 140, 10},
                                                            {249, 201, 50},
                                                            {252, 255, 164}}};

double colour(double value, size_t channel) {
  const double at = std::clamp(value, 0.0, 1.0) * (kColours.size() - 1);
  const auto low = std::min(static_cast<size_t>(at), kColours.size() - 2);
  const double part = at - static_cast<double>(low);
  return (1 - part) * kColours[low][channel] + part * kColours[low + 1][channel];
}

}  // namespace

Tensor min_max(const Tensor& map) {
  constexpr double kEpsilon = 1e-7;
  const auto shifted = map - map.min();
  return shifted / (kEpsilon + shifted.max());
}

Tensor to_pixels(const Tensor& values, int64_t height, int64_t width) {
  const auto scaled = min_max(values.to(torch::kFloat)).unsqueeze(0).unsqueeze(0);
  return min_max(at::upsample_bilinear2d(scaled, {height, width}, /*align_corners=*/false)[0][0]);
}

Tensor magnitudes(const Tensor& values) {
  const auto size = values.abs().flatten();
  const auto sorted = std::get<0>(size.sort());
  const double most = sorted[(sorted.numel() - 1) * 99 / 100].item<double>();
  return min_max(values.abs().clamp_max(most));
}

io::Image enlarged(const io::Image& image) {
  const int64_t factor =
      std::max<int64_t>(1, (kLeastSide + image.width - 1) / std::max<int64_t>(1, image.width));
  const auto rgb = io::convert_channels(image, 3);
  io::Image large{
      .height = image.height * factor, .width = image.width * factor, .channels = 3, .pixels = {}};
  large.pixels.reserve(static_cast<size_t>(large.height * large.width * 3));
  for (int64_t y = 0; y < large.height; ++y)
    for (int64_t x = 0; x < large.width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        large.pixels.push_back(
            rgb.pixels[static_cast<size_t>(((y / factor) * image.width + x / factor) * 3 + c)]);
  return large;
}

io::Image overlay(const io::Image& image, const Tensor& map) {
  auto picture = enlarged(image);
  const auto heat =
      at::upsample_bilinear2d(map.to(torch::kCPU, torch::kFloat).unsqueeze(0).unsqueeze(0),
                              {picture.height, picture.width}, false)
          .contiguous();
  const float* value = heat.data_ptr<float>();
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    const double v = value[i / 3];
    const double opacity = 0.25 + 0.5 * v;
    picture.pixels[i] = static_cast<uint8_t>(
        std::lround((1 - opacity) * picture.pixels[i] + opacity * colour(v, i % 3)));
  }
  return picture;
}

}  // namespace braid::explain
