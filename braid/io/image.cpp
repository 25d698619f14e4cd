#include "braid/io/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/io/atomic_file.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

using std::string_view_literals::operator""sv;

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32;

using Decode = Image (*)(const EncodedImage& encoded, bool header_only);
struct Format {
  std::string_view magic;
  size_t at;
  Decode decode;
};
constexpr std::array<Format, 10> kFormats = {{{"\xff\xd8\xff"sv, 0, decode_jpeg},
                                              {"\x89PNG\r\n\x1a\n"sv, 0, decode_png},
                                              {"WEBP"sv, 8, decode_webp},
                                              {"GIF87a"sv, 0, decode_gif},
                                              {"GIF89a"sv, 0, decode_gif},
                                              {"II*\0"sv, 0, decode_tiff},
                                              {"MM\0*"sv, 0, decode_tiff},
                                              {"II+\0"sv, 0, decode_tiff},
                                              {"MM\0+"sv, 0, decode_tiff},
                                              {"BM"sv, 0, decode_bmp}}};

Image decode_any(const EncodedImage& encoded, bool header_only) {
  const std::string_view text(reinterpret_cast<const char*>(encoded.bytes.data()),
                              encoded.bytes.size());
  for (const auto& format : kFormats)
    if (text.size() > format.at && text.substr(format.at).starts_with(format.magic))
      return format.decode(encoded, header_only);
  throw DataError("image",
                  fmt::format("expected a JPEG, PNG, WebP, BMP, TIFF or GIF, got {}",
                              text.empty() ? "an empty file" : "something else"),
                  encoded.where, "convert or remove the file");
}

ImageInfo info_of(const Image& image) { return {image.height, image.width, image.channels}; }

}  // namespace

void check_image_size(int64_t height, int64_t width, const EncodedImage& encoded) {
  if (height <= 0 || width <= 0)
    throw DataError("image", fmt::format("expected a size above 0, got {}x{}", width, height),
                    encoded.where);
  if (height > encoded.limits.max_pixels / width)
    throw DataError("image",
                    fmt::format("expected at most {} pixels, got {}x{}", encoded.limits.max_pixels,
                                width, height),
                    encoded.where,
                    "raise --max-image-pixels if the file can be trusted, or shrink the image");
}

void refuse_image(const char* format, const std::string& why, const EncodedImage& encoded) {
  throw DataError("image", fmt::format("corrupt or truncated {}: {}", format, why), encoded.where,
                  "replace or remove the file");
}

void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb) {
  const int white = 255 - cmyk[3];
  for (int c = 0; c < 3; ++c) {
    const int product = cmyk[c] * white + 128;
    rgb[c] = static_cast<uint8_t>(std::clamp(white - (((product >> 8) + product) >> 8), 0, 255));
  }
}

void Palette::set_gray() {
  for (int i = 0; i < 256; ++i) std::fill_n(rgb[i], 3, static_cast<uint8_t>(i));
}

bool Palette::is_gray() const {
  return std::all_of(std::begin(rgb), std::end(rgb),
                     [](const auto& c) { return c[0] == c[1] && c[1] == c[2]; });
}

std::vector<uint8_t> Palette::paint(const std::vector<uint8_t>& indices) const {
  const int64_t channels = is_gray() ? 1 : 3;
  std::vector<uint8_t> pixels(indices.size() * static_cast<size_t>(channels));
  uint8_t* out = pixels.data();
  for (const uint8_t index : indices) out = std::copy_n(rgb[index], channels, out);
  return pixels;
}

Image decode_image(const uint8_t* bytes, size_t size, const std::string& where,
                   const DecodeLimits& limits) {
  return decode_any({{bytes, size}, where, limits}, false);
}

Image read_image(const std::filesystem::path& file, const DecodeLimits& limits) {
  const auto bytes = read_file(file, kMaxFileBytes);
  return decode_image(bytes.data(), bytes.size(), file.string(), limits);
}

ImageInfo image_info(const uint8_t* bytes, size_t size, const std::string& where,
                     const DecodeLimits& limits) {
  return info_of(decode_any({{bytes, size}, where, limits}, true));
}

ImageInfo read_image_info(const std::filesystem::path& file, const DecodeLimits& limits) {
  std::array<uint8_t, 1 << 14> head{};
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(head.data()), head.size());
  const auto size = static_cast<size_t>(in.gcount());
  if (size == head.size()) {
    try {
      return image_info(head.data(), size, file.string(), limits);
    } catch (const DataError&) {  // the header may be longer: TIFF's can lie at the file's end
    }
  }
  const auto bytes = read_file(file, kMaxFileBytes);
  return image_info(bytes.data(), bytes.size(), file.string(), limits);
}

bool has_image_suffix(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 10> kSuffixes = {
      ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"};
  const std::string suffix = to_lower(file.extension().string());
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
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
