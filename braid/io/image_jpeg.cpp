#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

// libjpeg reports errors by a callback that must not return: it jumps. Everything with a destructor
// lives in this struct, outside the frames that are jumped over. Of its warnings none stops a
// decoder, as none stops PIL's: stray bytes before a marker, a JFIF version of tomorrow, bogus scan
// parameters, a segment that ends early and is painted gray. That the file itself ends early is no
// warning here, but an error.
struct JpegDecoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "cannot start libjpeg";
  bool created = false;
  std::vector<uint8_t> pixels;
  ~JpegDecoder() {
    if (created) jpeg_destroy_decompress(&jpeg);
  }
};

JpegDecoder& decoder_of(j_common_ptr jpeg) { return *static_cast<JpegDecoder*>(jpeg->client_data); }

[[noreturn]] void stop_jpeg(j_common_ptr jpeg) {
  auto& decoder = decoder_of(jpeg);
  (*jpeg->err->format_message)(jpeg, decoder.message);
  std::longjmp(decoder.jump, 1);
}

[[noreturn]] void stop_jpeg(j_common_ptr jpeg, const char* message) {
  auto& decoder = decoder_of(jpeg);
  std::strncpy(decoder.message, message, sizeof decoder.message - 1);
  std::longjmp(decoder.jump, 1);
}

boolean at_end_of_file(j_decompress_ptr jpeg) {
  stop_jpeg(reinterpret_cast<j_common_ptr>(jpeg), "premature end of file");
}

void skip_bytes(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > jpeg->src->bytes_in_buffer) at_end_of_file(jpeg);
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= static_cast<size_t>(count);
}

// Each of a progressive file's scans goes over the whole image, however few bytes it has.
void limit_scans(j_common_ptr jpeg) {
  constexpr int kMostScans = 500;
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMostScans)
    stop_jpeg(jpeg, "too many scans");
}

bool read_jpeg_header(JpegDecoder& d, std::span<const uint8_t> bytes) {
  if (setjmp(d.jump) != 0) return false;
  d.jpeg.err = jpeg_std_error(&d.errors);
  d.errors.error_exit = [](j_common_ptr jpeg) { stop_jpeg(jpeg); };
  d.errors.emit_message = [](j_common_ptr, int) {};
  d.jpeg.client_data = &d;
  jpeg_create_decompress(&d.jpeg);
  d.created = true;
  d.source.next_input_byte = bytes.data();
  d.source.bytes_in_buffer = bytes.size();
  d.source.init_source = [](j_decompress_ptr) {};
  d.source.fill_input_buffer = at_end_of_file;
  d.source.skip_input_data = skip_bytes;
  d.source.resync_to_restart = jpeg_resync_to_restart;
  d.source.term_source = [](j_decompress_ptr) {};
  d.jpeg.src = &d.source;
  d.progress.progress_monitor = limit_scans;
  d.jpeg.progress = &d.progress;
  jpeg_read_header(&d.jpeg, TRUE);
  return true;
}

bool read_jpeg_pixels(JpegDecoder& d) {
  if (setjmp(d.jump) != 0) return false;
  jpeg_start_decompress(&d.jpeg);
  const size_t stride = size_t{d.jpeg.output_width} * static_cast<size_t>(d.jpeg.output_components);
  d.pixels.resize(stride * d.jpeg.output_height);
  while (d.jpeg.output_scanline < d.jpeg.output_height) {
    JSAMPROW row = d.pixels.data() + stride * d.jpeg.output_scanline;
    jpeg_read_scanlines(&d.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&d.jpeg);
  return true;
}

}  // namespace

Image decode_jpeg(const EncodedImage& encoded, bool header_only) {
  JpegDecoder d;
  if (!read_jpeg_header(d, encoded.bytes)) refuse_image("JPEG", d.message, encoded);
  Image image{d.jpeg.image_height, d.jpeg.image_width, d.jpeg.num_components == 1 ? 1 : 3, {}};
  check_image_size(image.height, image.width, encoded);
  const int components = d.jpeg.num_components;
  if (components != 1 && components != 3 && components != 4)
    refuse_image("JPEG", fmt::format("{} components", components), encoded);
  if (header_only) return image;
  d.jpeg.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  if (!read_jpeg_pixels(d)) refuse_image("JPEG", d.message, encoded);
  if (components != 4) {
    image.pixels = std::move(d.pixels);
    return image;
  }
  const size_t pixels = d.pixels.size() / 4;
  image.pixels.resize(pixels * 3);
  for (size_t i = 0; i < pixels; ++i) {
    uint8_t cmyk[4];  // Adobe stores ink inverted, and PIL takes every file as Adobe's
    for (size_t c = 0; c < 4; ++c) cmyk[c] = static_cast<uint8_t>(255 - d.pixels[4 * i + c]);
    cmyk_to_rgb(cmyk, &image.pixels[3 * i]);
  }
  return image;
}

}  // namespace braid::io
