// What is seen of an image is the middle of the whole resized one, of which no more is computed.
#include "braid/io/evaluation_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/io/resize.h"

namespace braid::io {
namespace {

Image noise_of(int64_t height, int64_t width, int64_t channels) {
  std::mt19937 random(1);
  Image image{height, width, channels, {}};
  image.pixels.resize(static_cast<size_t>(height * width * channels));
  for (auto& value : image.pixels) value = static_cast<uint8_t>(random());
  return image;
}

// All of the resized image, then the centre; black around what is smaller.
Image the_long_way(const Image& image, const EvaluationView& view) {
  const auto resized = resize_for_evaluation(image, view);
  const int64_t C = view.channels, rows = std::max(view.height, resized.height),
                columns = std::max(view.width, resized.width);
  Image around{rows, columns, C, std::vector<uint8_t>(static_cast<size_t>(rows * columns * C))};
  const int64_t y0 = (rows - resized.height) / 2, x0 = (columns - resized.width) / 2;
  for (int64_t y = 0; y < resized.height; ++y)
    std::copy_n(resized.pixels.data() + y * resized.width * C, resized.width * C,
                around.pixels.data() + ((y0 + y) * columns + x0) * C);
  return crop(around, centred(rows - view.height), centred(columns - view.width), view.height,
              view.width);
}

TEST(EvaluationView, IsTheMiddleOfTheWholeResizedImage) {
  using Sizes = std::vector<std::pair<int64_t, int64_t>>;
  for (const auto& [height, width] :
       Sizes{{40, 31}, {7, 90}, {64, 5}, {24, 18}, {1, 30}, {24, 40}, {33, 18}})
    for (const std::string mode : {"center", "squash", "border"})
      for (const double crop_pct : {0.875, 1.0, 1.3})
        for (const auto& [tall, wide] : Sizes{{24, 24}, {24, 18}}) {
          const EvaluationView view{.channels = 3,
                                    .height = tall,
                                    .width = wide,
                                    .interpolation = wide == 18 ? "bilinear" : "bicubic",
                                    .crop_pct = crop_pct,
                                    .crop_mode = mode,
                                    .mean = {0, 0, 0}};
          const auto image = noise_of(height, width, height % 2 == 0 ? 3 : 1);
          const auto got = evaluation_view(image, view), expected = the_long_way(image, view);
          ASSERT_EQ(got.height, tall);
          ASSERT_EQ(got.width, wide);
          EXPECT_EQ(got.pixels, expected.pixels)
              << height << "x" << width << " " << mode << " " << crop_pct << " " << wide;
        }
}

// Whoever asks for many parts of an image converts its channels once.
TEST(EvaluationView, PartsAreOfTheWholeAndNeverConvertChannels) {
  const EvaluationView view{.height = 24, .width = 24, .mean = {0, 0, 0}};
  const auto grey = noise_of(9, 70, 1);
  const auto source = convert_channels(grey, 3);
  const auto whole = resize_for_evaluation(grey, view);
  for (const int64_t left : {int64_t{0}, int64_t{50}, whole.width - 24})
    EXPECT_EQ(resize_part_for_evaluation(source, view, {1, left, 24, 24}).pixels,
              crop(whole, 1, left, 24, 24).pixels)
        << left;
  EXPECT_THROW(resize_part_for_evaluation(grey, view, {1, 0, 24, 24}), InternalError);
}

// Resized as a whole it would have 256 rows of 512 million pixels.
TEST(EvaluationView, OfANarrowImageOnlyTheMiddleIsMade) {
  constexpr int64_t kLong = 2'000'000;
  for (const bool lies : {true, false}) {
    const Image image{lies ? 1 : kLong, lies ? kLong : 1, 1,
                      std::vector<uint8_t>(static_cast<size_t>(kLong), 77)};
    const auto seen = evaluation_view(image, {.mean = {0, 0, 0}});
    EXPECT_EQ(seen.pixels, std::vector<uint8_t>(224 * 224 * 3, 77));
  }
}

}  // namespace
}  // namespace braid::io
