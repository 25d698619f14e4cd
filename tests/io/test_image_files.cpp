// Image files of every kind against Pillow; see generate_images.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/io/atomic_file.h"
#include "braid/io/digest.h"
#include "braid/io/image.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ImageFiles : public ::testing::Test {
 protected:
  std::vector<uint8_t> file(const std::string& name) const {
    const auto& entry = index_.at(name);
    const auto at = data_.begin() + entry.at("at").get<int64_t>();
    return {at, at + entry.at("bytes").get<int64_t>()};
  }
  fs::path folder_ = fs::path(BRAID_TEST_SOURCE_DIR) / "io/fixtures";
  std::vector<uint8_t> data_ = read_file(folder_ / "images.bin");
  Json index_ = read_json(folder_ / "images.json");
};

TEST_F(ImageFiles, ArePillowsPixels) {
  for (const auto& [name, entry] : index_.items()) {
    const auto bytes = file(name);
    if (!entry.contains("sha256")) {
      EXPECT_THROW(decode_image(bytes.data(), bytes.size(), name), DataError) << name;
      continue;
    }
    try {
      const auto image = decode_image(bytes.data(), bytes.size(), name);
      EXPECT_EQ(image.height, entry.at("height").get<int64_t>()) << name;
      EXPECT_EQ(image.width, entry.at("width").get<int64_t>()) << name;
      EXPECT_EQ(sha256(convert_channels(image, 3).pixels), entry.at("sha256").get<std::string>())
          << name;
      const auto info = image_info(bytes.data(), bytes.size(), name);
      EXPECT_EQ(info.height, image.height) << name;
      EXPECT_EQ(info.width, image.width) << name;
      EXPECT_EQ(info.channels, image.channels) << name;
    } catch (const DataError& e) {
      ADD_FAILURE() << name << ": " << e.what();
    }
  }
}

TEST_F(ImageFiles, GrayOnesHaveOneChannel) {
  for (const char* name : {"jpeg_gray.jpg", "png_gray.png", "bmp_gray.bmp", "bmp_bits.bmp",
                           "gif_gray.gif", "gif_bits.gif", "tiff_gray_None.tif", "tiff_group4.tif",
                           "png_gray_16.png", "tiff_deep_32_3_1_1_le.tif"}) {
    const auto bytes = file(name);
    EXPECT_EQ(decode_image(bytes.data(), bytes.size(), name).channels, 1) << name;
  }
}

// An image of 16 bits is not made brighter or darker by its file's depth: 255 is white in it, too.
TEST_F(ImageFiles, DeepGrayIsCutOffAndNotScaled) {
  const auto bytes = file("png_gray_16_wide.png");
  const auto pixels = decode_image(bytes.data(), bytes.size(), "wide").pixels;
  EXPECT_EQ(std::count(pixels.begin(), pixels.end(), 255), 110);
  EXPECT_EQ(std::count(pixels.begin(), pixels.end(), 3), 3);
}

TEST_F(ImageFiles, OfMorePixelsThanTheLimitAreRefusedByTheirHeader) {
  for (const char* name : {"jpeg_444.jpg", "png_rgb.png", "webp_rgb_lossy.webp", "bmp_rgb.bmp",
                           "bmp_runs_8.bmp", "gif_palette.gif", "tiff_rgb_None.tif"}) {
    const auto bytes = file(name);
    const auto info = image_info(bytes.data(), bytes.size(), name);
    const DecodeLimits enough{.max_pixels = info.height * info.width},
        few{.max_pixels = info.height * info.width - 1};
    EXPECT_NO_THROW(decode_image(bytes.data(), bytes.size(), name, enough)) << name;
    try {
      image_info(bytes.data(), bytes.size(), name, few);
      FAIL() << "no error";
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("--max-image-pixels"));
    }
    EXPECT_THROW(decode_image(bytes.data(), bytes.size(), name, few), DataError) << name;
  }
  EXPECT_EQ(DecodeLimits().max_pixels, 178'956'970);
}

TEST_F(ImageFiles, CutOrFlippedAnywhereAreReadOrRefusedNeverMore) {
  for (const char* name :
       {"jpeg_progressive.jpg", "png_pieces.png", "webp_rgba_lossy.webp", "webp_frames.webp",
        "bmp_palette.bmp", "bmp_runs_8_gap.bmp", "bmp_32_masks_5.bmp", "gif_frames.gif",
        "tiff_rgb_tiff_lzw.tif", "tiff_palette_4_be.tif", "tiff_cmyk_jpeg.tif",
        "png_gray_16_interlaced.png", "tiff_deep_12_1_1_1_le.tif", "tiff_float_tiff_lzw.tif"}) {
    const auto whole = file(name);
    for (size_t at = 0; at < whole.size(); at += 1 + whole.size() / 200) {
      auto flipped = whole;
      flipped[at] ^= 0x5a;
      for (const auto& bytes :
           {flipped, std::vector<uint8_t>(whole.begin(), whole.begin() + static_cast<long>(at))}) {
        try {
          decode_image(bytes.data(), bytes.size(), name, {.max_pixels = 1 << 20});
        } catch (const DataError& e) {
          EXPECT_THAT(e.what(), HasSubstr(name));
        }
      }
    }
  }
}

TEST_F(ImageFiles, HeadersAreReadFromTheFilesBeginningOrItsEnd) {
  const auto path = fs::temp_directory_path() / ("braid_header_" + std::to_string(::getpid()));
  for (const char* name : {"jpeg_420.jpg", "tiff_rgb_tiff_lzw.tif"}) {
    auto bytes = file(name);
    bytes.resize(bytes.size() + (1 << 17));
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
    EXPECT_EQ(read_image_info(path).width, 27) << name;
  }
  std::ofstream(path) << "text";
  EXPECT_THROW(read_image_info(path), DataError);
  fs::remove(path);
  EXPECT_THROW(read_image_info(path), IoError);
}

TEST(ImageSuffixes, AreThoseOfTheFormatsWhateverTheCase) {
  for (const char* name : {"a.jpg", "a.JPEG", "a.b.Png", "a.webp", "a.BMP", "a.tif", "a.TIFF",
                           "a.gif", "a.jpe", "a.jfif"})
    EXPECT_TRUE(has_image_suffix(name)) << name;
  for (const char* name : {"a", "jpg", ".jpg", "a.txt", "a.heic", "a.jpg.bak", "a.png~"})
    EXPECT_FALSE(has_image_suffix(name)) << name;
}

}  // namespace
}  // namespace braid::io
