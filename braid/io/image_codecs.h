// The decoders behind decode_image, one file each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace braid::io {

struct DecodeLimits;
struct Image;

Image decode_jpeg(const uint8_t* bytes, size_t size, const std::string& where,
                  const DecodeLimits& limits);
Image decode_png(const uint8_t* bytes, size_t size, const std::string& where,
                 const DecodeLimits& limits);

// Throws DataError when the header's size is empty or beyond the limits.
void check_image_size(int64_t height, int64_t width, const std::string& where,
                      const DecodeLimits& limits);

}  // namespace braid::io
