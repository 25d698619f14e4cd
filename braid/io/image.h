// Images as bytes, and the JPEG and PNG decoders. No LibTorch here.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace braid::io {

// Interleaved 8-bit pixels [height, width, channels]; channels is 1 (gray) or 3 (RGB).
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  std::vector<uint8_t> pixels;
};

struct DecodeLimits {
  int64_t max_pixels = 100'000'000;  // refused by the header, before anything is allocated
};

// Decodes JPEG or PNG, told apart by their first bytes. Gray stays gray; palette, alpha (over
// white, as it is shown in a viewer, is NOT applied: alpha is dropped, as PIL's convert("RGB")
// does), CMYK JPEG and 16-bit PNG become 8-bit. Throws DataError naming `where` for anything
// truncated, corrupt, or beyond the limits.
Image decode_image(const uint8_t* bytes, size_t size, const std::string& where,
                   const DecodeLimits& limits = {});
Image read_image(const std::filesystem::path& file, const DecodeLimits& limits = {});

// Lossless PNG, for tests, reports and heat maps.
std::vector<uint8_t> encode_png(const Image& image);

// 1 -> 3 channels by repetition, 3 -> 1 by ITU-R 601 luma (PIL's convert("L")).
Image convert_channels(const Image& image, int64_t channels);

}  // namespace braid::io
