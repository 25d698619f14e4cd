// The decoders behind decode_image, one file each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace braid::io {

struct DecodeLimits;
struct Image;

// A file's bytes and what is wanted of them.
struct EncodedImage {
  std::span<const uint8_t> bytes;
  const std::string& where;
  const DecodeLimits& limits;
};

// header_only: no pixels are decoded, and `pixels` stays empty.
Image decode_jpeg(const EncodedImage& encoded, bool header_only);
Image decode_png(const EncodedImage& encoded, bool header_only);
Image decode_webp(const EncodedImage& encoded, bool header_only);
Image decode_bmp(const EncodedImage& encoded, bool header_only);
Image decode_tiff(const EncodedImage& encoded, bool header_only);
Image decode_gif(const EncodedImage& encoded, bool header_only);

// Throws DataError when the header's size is empty or beyond the limits.
void check_image_size(int64_t height, int64_t width, const EncodedImage& encoded);

// Throws DataError: "corrupt or truncated GIF: why (where); replace or remove the file".
[[noreturn]] void refuse_image(const char* format, const std::string& why,
                               const EncodedImage& encoded);

// PIL's CMYK to RGB, of ink as it is printed (255: full).
void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb);

// A palette of 256 colours.
struct Palette {
  uint8_t rgb[256][3] = {};  // black, as PIL has it where a file gives fewer colours than it uses
  void set_gray();           // each index its own gray, where a file gives none
  bool is_gray() const;      // then pixels are one channel
  // The pixels of indices, [height, width] -> [height, width, is_gray() ? 1 : 3].
  std::vector<uint8_t> paint(const std::vector<uint8_t>& indices) const;
};

}  // namespace braid::io
