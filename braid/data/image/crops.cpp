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
  check_fields(input, "data");
  auto source = io::resize_for_evaluation(image, view_of(input));
  const int64_t below = source.height - input.height, beside = source.width - input.width;
  if (below < 0 || beside < 0)
    throw ConfigError("data",
                      fmt::format("expected crops within {} x {} pixels, got {} x {}",
                                  source.height, source.width, input.height, input.width),
                      "", "take a crop_pct of at most 1, and not crop_mode border");
  io::Image out{0, input.width, input.channels, {}};
  const auto add = [&](int64_t top, int64_t left) {
    const auto part = io::crop(source, top, left, input.height, input.width);
    out.pixels.insert(out.pixels.end(), part.pixels.begin(), part.pixels.end());
    out.height += input.height;
  };
  for (int turn = 0; turn < (mirrored ? 2 : 1); ++turn) {
    if (turn == 1) source = mirror_image(std::move(source));
    add(0, 0);
    add(0, beside);
    add(below, 0);
    add(below, beside);
    add(io::centred(below), io::centred(beside));
  }
  return out;
}

}  // namespace braid::data
