#include "braid/data/image/crops.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/evaluation_view.h"

namespace braid::data {

io::Image mirror_image(io::Image image) {
  const int64_t C = image.channels;
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.pixels.data() + y * image.width * C;
    for (int64_t a = 0, b = image.width - 1; a < b; ++a, --b)
      std::swap_ranges(row + a * C, row + (a + 1) * C, row + b * C);
  }
  return image;
}

io::EvaluationView view_of(const InputConfig& input) {
  return {.channels = input.channels,
          .height = input.height,
          .width = input.width,
          .interpolation = input.interpolation,
          .crop_pct = input.crop_pct,
          .crop_mode = input.crop_mode,
          .mean = input.mean};
}

io::Image prepare_crops(const io::Image& image, const InputConfig& input, bool mirrored) {
  // A narrow image may become a very long one, of which the crops are a small part.
  constexpr int64_t kCropsAtOnce = 16;
  check_fields(input, "data");
  const auto view = view_of(input);
  const io::Image source = io::convert_channels(image, input.channels);
  const auto [height, width] = io::size_for_evaluation(source, view);
  const int64_t below = height - input.height, beside = width - input.width;
  if (below < 0 || beside < 0)
    throw ConfigError("data",
                      fmt::format("expected crops within {} x {} pixels, got {} x {}", height,
                                  width, input.height, input.width),
                      "", "take a crop_pct of at most 1, and not crop_mode border");
  const bool whole = height * width <= kCropsAtOnce * input.height * input.width;
  const io::Image resized = whole ? io::resize_for_evaluation(source, view) : io::Image{};
  io::Image out{0, input.width, input.channels, {}};
  for (const bool turned : {false, true}) {
    if (turned && !mirrored) break;
    const auto add = [&](int64_t top, int64_t left) {
      if (turned) left = beside - left;
      auto part = whole ? io::crop(resized, top, left, input.height, input.width)
                        : io::resize_part_for_evaluation(source, view,
                                                         {top, left, input.height, input.width});
      if (turned) part = mirror_image(std::move(part));
      out.pixels.insert(out.pixels.end(), part.pixels.begin(), part.pixels.end());
      out.height += input.height;
    };
    add(0, 0);
    add(0, beside);
    add(below, 0);
    add(below, beside);
    add(io::centred(below), io::centred(beside));
  }
  return out;
}

}  // namespace braid::data
