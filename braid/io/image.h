// Images as bytes, and the decoders of image files. No LibTorch here.
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

// What a file's header says.
struct ImageInfo {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
};

constexpr int64_t kMaxImagePixels = 178'956'970;  // where PIL stops too

struct DecodeLimits {
  int64_t max_pixels = kMaxImagePixels;  // refused by the header, before anything is allocated
};

// Decodes JPEG, PNG, WebP, BMP, TIFF or GIF (the first frame or page), told apart by their first
// bytes, to the pixels of PIL's convert("RGB"). Gray stays gray; palettes, CMYK and 16 bits become
// 8-bit; alpha is dropped, not blended; TIFF's orientation is applied and EXIF's elsewhere is not,
// as PIL does. What PIL reads with a warning is read: only data that ends too soon is an error.
// Throws DataError naming `where` for anything truncated, corrupt, or beyond the limits.
Image decode_image(const uint8_t* bytes, size_t size, const std::string& where,
                   const DecodeLimits& limits = {});
Image read_image(const std::filesystem::path& file, const DecodeLimits& limits = {});

// The header alone, without decoding; the same errors as far as it shows them.
ImageInfo image_info(const uint8_t* bytes, size_t size, const std::string& where,
                     const DecodeLimits& limits = {});
ImageInfo read_image_info(const std::filesystem::path& file, const DecodeLimits& limits = {});

// Whether a file of this name is taken as an image in a folder: .jpg .jpeg .jpe .jfif .png .webp
// .bmp .tif .tiff .gif, whatever the case.
bool has_image_suffix(const std::filesystem::path& file);

// Lossless PNG, for tests, reports and heat maps.
std::vector<uint8_t> encode_png(const Image& image);

// 1 -> 3 channels by repetition, 3 -> 1 by ITU-R 601 luma (PIL's convert("L")).
Image convert_channels(const Image& image, int64_t channels);

}  // namespace braid::io
