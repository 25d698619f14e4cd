// Windows bitmaps. A reader of our own, since the format is a header and rows; every number in it
// is checked before it is used. What PIL's BmpImagePlugin reads is read, and to the same pixels.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

constexpr size_t kFileHeader = 14;
enum BmpCompression : uint32_t { kRaw = 0, kRle8 = 1, kRle4 = 2, kBitfields = 3 };

struct BmpHeader {
  int64_t width = 0, height = 0;
  bool top_down = false;
  uint32_t bits = 0, compression = kRaw, colors = 0;
  size_t palette_at = 0, palette_entry = 4;
  size_t pixels_at = 0;
  std::array<uint32_t, 4> masks = {};  // red, green, blue, alpha
};

class BmpReader {
 public:
  explicit BmpReader(const EncodedImage& encoded) : encoded_(encoded), bytes_(encoded.bytes) {}
  Image read(bool header_only);

 private:
  [[noreturn]] void refuse(const std::string& why) const { refuse_image("BMP", why, encoded_); }
  uint8_t byte(size_t at) const {
    if (at >= bytes_.size()) refuse("unexpected end of file");
    return bytes_[at];
  }
  uint32_t u16(size_t at) const { return byte(at) | uint32_t{byte(at + 1)} << 8; }
  uint32_t u32(size_t at) const { return u16(at) | u16(at + 2) << 16; }

  void read_header();
  Palette read_palette() const;
  std::vector<uint8_t> indices() const;      // [height, width], top row first
  std::vector<uint8_t> run_lengths() const;  // the same, as the file orders rows
  std::vector<uint8_t> colours() const;      // [height, width, 3]
  size_t row_at(int64_t y) const;

  const EncodedImage& encoded_;
  std::span<const uint8_t> bytes_;
  BmpHeader h_;
};

void BmpReader::read_header() {
  const size_t size = u32(kFileHeader);
  const size_t at = kFileHeader + 4;  // of the fields after the size
  size_t end = kFileHeader + size;
  if (size == 12) {
    h_.width = u16(at), h_.height = u16(at + 2);
    h_.bits = u16(at + 6);
    h_.palette_entry = 3;
  } else if (size == 40 || size == 52 || size == 56 || size == 64 || size == 108 || size == 124) {
    h_.width = u32(at);
    h_.top_down = byte(at + 7) == 0xff;
    h_.height = h_.top_down ? (int64_t{1} << 32) - u32(at + 4) : int64_t{u32(at + 4)};
    h_.bits = u16(at + 10);
    h_.compression = u32(at + 12);
    h_.colors = u32(at + 28);
    if (h_.compression == kBitfields) {
      const size_t masks = size >= 52 ? (size >= 56 ? 4 : 3) : 3;
      const size_t masks_at = size >= 52 ? at + 36 : end;
      for (size_t k = 0; k < masks; ++k) h_.masks[k] = u32(masks_at + 4 * k);
      if (size < 52) end += 12;
    }
  } else {
    refuse(fmt::format("a header of {} bytes", size));
  }
  constexpr std::array<uint32_t, 6> kBits = {1, 4, 8, 16, 24, 32};
  if (std::find(kBits.begin(), kBits.end(), h_.bits) == kBits.end())
    refuse(fmt::format("{} bits per pixel", h_.bits));
  check_image_size(h_.height, h_.width, encoded_);
  if (h_.colors == 0 && h_.bits <= 8) h_.colors = 1u << h_.bits;
  if (h_.bits <= 8 && h_.colors > 65536) refuse(fmt::format("a palette of {}", h_.colors));
  h_.palette_at = end;
  const size_t palette_bytes = h_.bits <= 8 ? h_.palette_entry * h_.colors : 0;
  h_.pixels_at = u32(10);
  if (h_.pixels_at == kFileHeader + size && h_.bits <= 8) h_.pixels_at += palette_bytes;
  if (h_.pixels_at == 0) h_.pixels_at = end + palette_bytes;
  const bool runs = h_.compression == kRle8 || h_.compression == kRle4;
  if (h_.compression > kBitfields || (runs && h_.bits > 8) ||
      (h_.compression == kBitfields && h_.bits <= 8))
    refuse(fmt::format("compression {} of {} bits", h_.compression, h_.bits));
}

Palette BmpReader::read_palette() const {
  Palette palette;
  bool gray =
      true;  // each index its own gray, or black and white: then indices beyond are gray too
  for (size_t i = 0; i < std::min<size_t>(256, h_.colors); ++i) {
    const size_t at = h_.palette_at + i * h_.palette_entry;
    if (at + 3 > bytes_.size()) break;
    for (size_t c = 0; c < 3; ++c) palette.rgb[i][c] = bytes_[at + 2 - c];
    const uint8_t own = h_.colors == 2 && i == 1 ? 255 : static_cast<uint8_t>(i);
    gray = gray && std::all_of(palette.rgb[i], palette.rgb[i] + 3,
                               [&](uint8_t value) { return value == own; });
  }
  if (!gray) return palette;
  palette.set_gray();
  if (h_.colors <= 2) std::fill_n(palette.rgb[1], 3, uint8_t{255});
  return palette;
}

// Where a row's bytes begin; all of them are in the file.
size_t BmpReader::row_at(int64_t y) const {
  const size_t stride = (static_cast<size_t>(h_.width) * h_.bits + 31) / 32 * 4;
  const size_t used = (static_cast<size_t>(h_.width) * h_.bits + 7) / 8;
  const auto row = static_cast<size_t>(h_.top_down ? y : h_.height - 1 - y);
  const size_t at = h_.pixels_at + row * stride;
  if (at > bytes_.size() || used > bytes_.size() - at) refuse("unexpected end of file");
  return at;
}

std::vector<uint8_t> BmpReader::indices() const {
  row_at(h_.top_down ? h_.height - 1 : 0);  // before anything is allocated
  std::vector<uint8_t> out(static_cast<size_t>(h_.width * h_.height));
  const size_t per_byte = 8 / h_.bits;
  auto* next = out.data();
  for (int64_t y = 0; y < h_.height; ++y) {
    const uint8_t* row = &bytes_[row_at(y)];
    for (size_t x = 0; x < static_cast<size_t>(h_.width); ++x) {
      const size_t shift = 8 - h_.bits - x % per_byte * h_.bits;
      *next++ = static_cast<uint8_t>(row[x / per_byte] >> shift & ((1u << h_.bits) - 1));
    }
  }
  return out;
}

std::vector<uint8_t> BmpReader::run_lengths() const {
  const auto width = static_cast<size_t>(h_.width);
  const size_t whole = width * static_cast<size_t>(h_.height);
  // 255 pixels from two bytes are the most, but for gaps, which are four bytes for up to this many.
  const size_t in = bytes_.size() - std::min(bytes_.size(), h_.pixels_at);
  if (whole / (255 * (width + 1)) > in) refuse("unexpected end of file");
  std::vector<uint8_t> data;
  size_t at = h_.pixels_at, x = 0;
  const bool four = h_.compression == kRle4;
  const auto put = [&](size_t count, auto value_of) {
    for (size_t k = 0; k < count; ++k) data.push_back(value_of(k));
  };
  const auto zeros = [&](size_t count) {
    data.insert(data.end(), std::min(count, whole - std::min(whole, data.size())), uint8_t{0});
  };
  while (data.size() < whole && at + 1 < bytes_.size()) {
    const size_t count = bytes_[at], value = bytes_[at + 1];
    at += 2;
    if (count > 0) {
      const size_t fitting = std::min(count, width - std::min(width, x));
      put(fitting, [&](size_t k) {
        return static_cast<uint8_t>(!four ? value : k % 2 == 0 ? value >> 4 : value & 15);
      });
      x += fitting;
    } else if (value == 0) {  // end of the row
      if (data.size() % width != 0) zeros(width - data.size() % width);
      x = 0;
    } else if (value == 1) {  // end of the image
      break;
    } else if (value == 2) {  // a gap
      if (at + 1 >= bytes_.size()) break;
      zeros(bytes_[at] + bytes_[at + 1] * width);
      at += 2;
      x = data.size() % width;
    } else {
      const size_t pixels = std::min(whole - data.size(), value);
      const size_t bytes = four ? (pixels + 1) / 2 : pixels;
      if (at + bytes > bytes_.size()) break;
      put(pixels, [&](size_t k) {
        const uint8_t byte = bytes_[at + (four ? k / 2 : k)];
        return static_cast<uint8_t>(!four ? byte : k % 2 == 0 ? byte >> 4 : byte & 15);
      });
      at += bytes;
      x += value;
      at += at % 2;
    }
  }
  if (data.size() < whole) refuse("unexpected end of file");
  data.resize(whole);
  if (!h_.top_down)
    for (size_t top = 0, low = static_cast<size_t>(h_.height) - 1; top < low; ++top, --low)
      std::swap_ranges(data.begin() + static_cast<int64_t>(top * width),
                       data.begin() + static_cast<int64_t>((top + 1) * width),
                       data.begin() + static_cast<int64_t>(low * width));
  return data;
}

std::vector<uint8_t> BmpReader::colours() const {
  using Masks = std::array<uint32_t, 4>;
  size_t first = 0;         // 24 and 32 bits: the byte of blue
  bool rgb = false;         // red is the first byte instead
  uint32_t green_bits = 5;  // 16 bits
  const auto& m = h_.masks;
  if (h_.compression == kBitfields) {
    const auto is = [&](const Masks& masks) { return m == masks; };
    const bool layout_565 = m[0] == 0xf800 && m[1] == 0x7e0 && m[2] == 0x1f;
    const bool layout_555 = m[0] == 0x7c00 && m[1] == 0x3e0 && m[2] == 0x1f;
    const bool low = m[0] == 0xff0000 && m[1] == 0xff00 && m[2] == 0xff;
    if (h_.bits == 16 && (layout_565 || layout_555)) {
      green_bits = layout_565 ? 6 : 5;
    } else if ((h_.bits == 24 && low) ||
               (h_.bits == 32 && (is({0xff0000, 0xff00, 0xff, 0}) || is({0, 0, 0, 0}) ||
                                  is({0xff0000, 0xff00, 0xff, 0xff000000})))) {
      first = 0;
    } else if (h_.bits == 32 && (is({0xff000000, 0xff0000, 0xff00, 0}) ||
                                 is({0xff000000, 0xff0000, 0xff00, 0xff}))) {
      first = 1;
    } else if (h_.bits == 32 && is({0xff, 0xff00, 0xff0000, 0xff000000})) {
      rgb = true;
    } else if (h_.bits == 32 &&
               (is({0xff000000, 0xff00, 0xff, 0}) || is({0xff000000, 0xff00, 0xff, 0xff0000}))) {
      first = 4;  // PIL's BGXR and BGAR: blue, green, something, red
    } else {
      refuse(fmt::format("colour masks {:x} {:x} {:x} {:x}", m[0], m[1], m[2], m[3]));
    }
  }
  row_at(h_.top_down ? h_.height - 1 : 0);
  std::vector<uint8_t> out(static_cast<size_t>(h_.width * h_.height * 3));
  auto* next = out.data();
  const size_t step = h_.bits / 8;
  for (int64_t y = 0; y < h_.height; ++y) {
    const uint8_t* p = &bytes_[row_at(y)];
    for (int64_t x = 0; x < h_.width; ++x, p += step, next += 3) {
      if (h_.bits == 16) {
        const uint32_t v = p[0] | uint32_t{p[1]} << 8, most = (1u << green_bits) - 1;
        next[0] = static_cast<uint8_t>((v >> (5 + green_bits) & 31) * 255 / 31);
        next[1] = static_cast<uint8_t>((v >> 5 & most) * 255 / most);
        next[2] = static_cast<uint8_t>((v & 31) * 255 / 31);
      } else if (rgb) {
        std::copy_n(p, 3, next);
      } else if (first == 4) {
        next[0] = p[3], next[1] = p[1], next[2] = p[0];
      } else {
        next[0] = p[first + 2], next[1] = p[first + 1], next[2] = p[first];
      }
    }
  }
  return out;
}

Image BmpReader::read(bool header_only) {
  read_header();
  Image image{h_.height, h_.width, 3, {}};
  if (h_.bits > 8) {
    if (!header_only) image.pixels = colours();
    return image;
  }
  const auto palette = read_palette();
  image.channels = palette.is_gray() ? 1 : 3;
  if (!header_only)
    image.pixels = palette.paint(h_.compression == kRaw ? indices() : run_lengths());
  return image;
}

}  // namespace

Image decode_bmp(const EncodedImage& encoded, bool header_only) {
  return BmpReader(encoded).read(header_only);
}

}  // namespace braid::io
