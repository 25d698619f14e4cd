#include "braid/io/image.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;
constexpr uint8_t kPngMagic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr uint8_t kJpegMagic[] = {0xff, 0xd8, 0xff};
}  // namespace

void check_image_size(int64_t height, int64_t width, const std::string& where,
                      const DecodeLimits& limits) {
  if (height <= 0 || width <= 0)
    throw DataError("image", fmt::format("expected a size above 0, got {}x{}", width, height),
                    where);
  if (height > limits.max_pixels / width)
    throw DataError(
        "image",
        fmt::format("expected at most {} pixels, got {}x{}", limits.max_pixels, width, height),
        where, "remove or shrink the image");
}

Image decode_image(const uint8_t* bytes, size_t size, const std::string& where,
                   const DecodeLimits& limits) {
  const auto starts_with = [&](const auto& magic) {
    return size >= std::size(magic) && std::equal(std::begin(magic), std::end(magic), bytes);
  };
  if (starts_with(kJpegMagic)) return decode_jpeg(bytes, size, where, limits);
  if (starts_with(kPngMagic)) return decode_png(bytes, size, where, limits);
  throw DataError("image",
                  size == 0 ? "expected a JPEG or PNG, got an empty file"
                            : "expected a JPEG or PNG, got something else",
                  where, "convert or remove the file");
}

Image read_image(const std::filesystem::path& file, const DecodeLimits& limits) {
  const auto bytes = read_file(file, kMaxFileBytes);
  return decode_image(bytes.data(), bytes.size(), file.string(), limits);
}

Image convert_channels(const Image& image, int64_t channels) {
  if (image.channels == channels) return image;
  Image out{image.height, image.width, channels, {}};
  const auto count = static_cast<size_t>(image.height * image.width);
  out.pixels.resize(count * static_cast<size_t>(channels));
  if (image.channels == 1) {
    for (size_t i = 0; i < count; ++i)
      std::fill_n(&out.pixels[i * static_cast<size_t>(channels)], channels, image.pixels[i]);
  } else if (image.channels == 3 && channels == 1) {
    // PIL's fixed-point ITU-R 601-2 luma.
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* p = &image.pixels[3 * i];
      out.pixels[i] =
          static_cast<uint8_t>((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
    }
  } else {
    throw InternalError(
        "image", fmt::format("no conversion from {} to {} channels", image.channels, channels));
  }
  return out;
}

}  // namespace braid::io
