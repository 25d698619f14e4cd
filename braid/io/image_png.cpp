#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "braid/core/error.h"
#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

// libpng reports errors by longjmp. Everything with a destructor lives in this struct, outside the
// frames that are jumped over; decode() and its callbacks hold plain data only.
struct Decoder {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  size_t position = 0;
  bool ended = false;      // more was wanted than there is
  bool deep_gray = false;  // 16 bits: two bytes a pixel until the end
  png_structp png = nullptr;
  png_infop info = nullptr;
  Image image;
  std::vector<png_bytep> rows;
  char message[128] = "cannot start libpng";
  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* decoder = static_cast<Decoder*>(png_get_io_ptr(png));
  if (count > decoder->size - decoder->position) {
    decoder->ended = true;
    png_error(png, "unexpected end of file");
  }
  std::memcpy(out, decoder->bytes + decoder->position, count);
  decoder->position += count;
}

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* decoder = static_cast<Decoder*>(png_get_error_ptr(png));
  std::strncpy(decoder->message, text, sizeof decoder->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

bool read_header(Decoder& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  png_set_read_fn(d.png, &d, read_bytes);
  png_set_crc_action(d.png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  png_set_user_limits(d.png, 0x7fffffff, 0x7fffffff);  // the pixel count is checked, not each side
  png_read_info(d.png, d.info);
  d.image.height = png_get_image_height(d.png, d.info);
  d.image.width = png_get_image_width(d.png, d.info);
  return true;
}

// Asks libpng for 8-bit gray or RGB whatever the file holds.
bool read_pixels(Decoder& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  const int color = png_get_color_type(d.png, d.info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(d.png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(d.png);
  if (!d.deep_gray) png_set_strip_16(d.png);
  png_set_strip_alpha(d.png);
  png_set_interlace_handling(d.png);
  png_read_update_info(d.png, d.info);
  const auto stride = png_get_rowbytes(d.png, d.info);
  if (stride != static_cast<size_t>(d.image.width * d.image.channels) * (d.deep_gray ? 2 : 1))
    png_error(d.png, "odd row size");
  d.image.pixels.resize(stride * static_cast<size_t>(d.image.height));
  d.rows.resize(static_cast<size_t>(d.image.height));
  for (size_t y = 0; y < d.rows.size(); ++y) d.rows[y] = d.image.pixels.data() + y * stride;
  // Of the pixels zlib's checksum counts alone.
  png_set_crc_action(d.png, PNG_CRC_QUIET_USE, PNG_CRC_WARN_DISCARD);
  png_read_image(d.png, d.rows.data());
  return true;
}

// Whether nothing but the data's end is missing: the last checksums, the end mark. PIL reads none
// of them.
bool all_rows_are_there(const Decoder& d) {
  constexpr int kPasses = 7;
  const bool interlaced = png_get_interlace_type(d.png, d.info) != PNG_INTERLACE_NONE;
  const bool complete = interlaced ? png_get_current_pass_number(d.png) >= kPasses
                                   : png_get_current_row_number(d.png) >= d.rows.size();
  return complete && !d.rows.empty() &&
         (d.ended || std::strcmp(d.message, "Not enough image data") == 0);
}

// Deep gray is cut off at 255 and not scaled, as PIL's convert has it.
void clip_deep_gray(Image& image) {
  auto& pixels = image.pixels;
  for (size_t i = 0; i < pixels.size() / 2; ++i)
    pixels[i] = pixels[2 * i] != 0 ? uint8_t{255} : pixels[2 * i + 1];
  pixels.resize(pixels.size() / 2);
}

}  // namespace

Image decode_png(const EncodedImage& encoded, bool header_only) {
  // libpng asks for pixels by the block, and a file that ends within one would lose all of it, the
  // last rows too: then byte by byte.
  for (const size_t block : {size_t{8192}, size_t{1}}) {
    Decoder d;
    d.bytes = encoded.bytes.data();
    d.size = encoded.bytes.size();
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
    if (d.png != nullptr) d.info = png_create_info_struct(d.png);
    if (d.info == nullptr || !read_header(d)) refuse_image("PNG", d.message, encoded);
    check_image_size(d.image.height, d.image.width, encoded);
    png_set_compression_buffer_size(d.png, block);
    const int color = png_get_color_type(d.png, d.info);
    d.image.channels = (color & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    d.deep_gray = color == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(d.png, d.info) == 16;
    if (header_only) return std::move(d.image);
    if (read_pixels(d) || all_rows_are_there(d)) {
      if (d.deep_gray) clip_deep_gray(d.image);
      return std::move(d.image);
    }
    if (!d.ended || block == 1) refuse_image("PNG", d.message, encoded);
  }
  throw InternalError("image", "a PNG was neither read nor refused");
}

std::vector<uint8_t> encode_png(const Image& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&header, nullptr, &size, 0, image.pixels.data(), 0, nullptr) == 0)
    throw InternalError("image", fmt::format("cannot encode a PNG: {}", header.message));
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) ==
      0)
    throw InternalError("image", fmt::format("cannot encode a PNG: {}", header.message));
  bytes.resize(size);
  return bytes;
}

}  // namespace braid::io
