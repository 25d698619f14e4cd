#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

constexpr uint16_t kMostSamples = 6;  // of a pixel, as in PIL

struct TiffInput {
  std::span<const uint8_t> bytes;
  uint64_t position = 0;
  char message[256] = "bad data";
};

TiffInput& input_of(thandle_t handle) { return *static_cast<TiffInput*>(handle); }

tmsize_t read_tiff(thandle_t handle, void* out, tmsize_t count) {
  auto& input = input_of(handle);
  const uint64_t size = input.bytes.size();
  const uint64_t left = size - std::min(size, input.position);
  const uint64_t taken =
      std::min<uint64_t>(left, static_cast<uint64_t>(std::max<tmsize_t>(0, count)));
  if (taken > 0) std::memcpy(out, input.bytes.data() + input.position, taken);
  input.position += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_tiff(thandle_t, void*, tmsize_t) { return -1; }

toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  auto& input = input_of(handle);
  if (whence == SEEK_SET) input.position = offset;
  if (whence == SEEK_CUR) input.position += offset;
  if (whence == SEEK_END) input.position = input.bytes.size() + offset;
  return input.position;
}

int close_tiff(thandle_t) { return 0; }
toff_t size_of_tiff(thandle_t handle) { return input_of(handle).bytes.size(); }

int keep_tiff_error(TIFF*, void* input, const char*, const char* format, va_list arguments) {
  auto& message = static_cast<TiffInput*>(input)->message;
  std::vsnprintf(message, sizeof message, format, arguments);
  return 1;
}
int drop_tiff_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

enum class PixelKind { kGray, kRgb, kPalette, kCmyk, kYcbcr };

class TiffReader {
 public:
  explicit TiffReader(const EncodedImage& encoded) : encoded_(encoded), input_{encoded.bytes} {
    const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_tiff_error, &input_);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), drop_tiff_warning, nullptr);
    // "m": no memory map; "r": one page is read.
    tiff_.reset(TIFFClientOpenExt("", "rm", &input_, read_tiff, write_tiff, seek_tiff, close_tiff,
                                  size_of_tiff, nullptr, nullptr, options.get()));
    if (!tiff_) refuse(input_.message);
  }
  Image read(bool header_only);

 private:
  [[noreturn]] void refuse(const std::string& why) const { refuse_image("TIFF", why, encoded_); }
  template <class T>
  T field(uint32_t tag, T otherwise) const {
    T value = otherwise;
    if (TIFFGetFieldDefaulted(tiff_.get(), tag, &value) == 0) return otherwise;
    return value;
  }
  void read_header();
  bool is_known_gray() const;
  PixelKind kind_of_file() const;
  // The samples that count, 8 bits each, [height, width, samples_].
  std::vector<uint8_t> read_samples();
  void read_blocks(uint16_t plane, std::vector<uint8_t>& out);
  uint8_t clipped_gray(const uint8_t* row, size_t at) const;
  void unpack(const uint8_t* row, size_t count, uint16_t plane, uint8_t* out) const;
  std::vector<uint8_t> read_by_libtiff();
  Palette read_palette() const;

  const EncodedImage& encoded_;
  TiffInput input_;
  std::unique_ptr<TIFF, CloseTiff> tiff_;
  uint32_t width_ = 0, height_ = 0;
  uint16_t bits_ = 1, per_pixel_ = 1, photometric_ = 0, compression_ = 1, format_ = 1;
  uint16_t orientation_ = 1, alpha_ = 0, fill_order_ = FILLORDER_MSB2LSB;
  bool planar_ = false;
  PixelKind kind_ = PixelKind::kGray;
  uint16_t samples_ = 1;
};

// The gray files of PIL's table.
bool TiffReader::is_known_gray() const {
  const bool plain = format_ == SAMPLEFORMAT_UINT, integers = format_ == SAMPLEFORMAT_INT;
  const bool zero_is_black = photometric_ == PHOTOMETRIC_MINISBLACK;
  const bool little = TIFFIsBigEndian(tiff_.get()) == 0;
  const bool usual = zero_is_black && fill_order_ == FILLORDER_MSB2LSB;
  if (per_pixel_ == 2) return bits_ == 8 && plain && usual;
  if (per_pixel_ != 1) return false;
  switch (bits_) {
    case 1:
    case 2:
    case 4:
      return plain;
    case 8:
      return plain || (integers && usual);
    case 12:
      return plain && usual && little;
    case 16:
      return usual ? plain || integers
                   : plain && little && (zero_is_black || fill_order_ == FILLORDER_MSB2LSB);
    case 32:
      if (format_ == SAMPLEFORMAT_IEEEFP) return fill_order_ == FILLORDER_MSB2LSB;
      return usual && (integers || (plain && little));
    default:
      return false;
  }
}

PixelKind TiffReader::kind_of_file() const {
  const bool bytes = bits_ == 8 || bits_ == 16;
  const bool parts = bits_ == 1 || bits_ == 2 || bits_ == 4;
  switch (photometric_) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      if (is_known_gray()) return PixelKind::kGray;
      break;
    case PHOTOMETRIC_RGB:
      if (bytes && per_pixel_ >= 3) return PixelKind::kRgb;
      break;
    case PHOTOMETRIC_PALETTE:
      if ((bits_ == 8 || parts) && per_pixel_ <= 2) return PixelKind::kPalette;
      break;
    case PHOTOMETRIC_SEPARATED:
      if (bytes && per_pixel_ >= 4) return PixelKind::kCmyk;
      break;
    case PHOTOMETRIC_YCBCR:
      if (bits_ == 8 && per_pixel_ == 1) return PixelKind::kGray;
      if (bits_ == 8 && per_pixel_ == 3) return PixelKind::kYcbcr;
      break;
    default:
      break;
  }
  refuse(fmt::format("pixels of {} samples of format {} and {} bits, photometric interpretation {}",
                     per_pixel_, format_, bits_, photometric_));
}

void TiffReader::read_header() {
  if (TIFFGetField(tiff_.get(), TIFFTAG_IMAGEWIDTH, &width_) == 0 ||
      TIFFGetField(tiff_.get(), TIFFTAG_IMAGELENGTH, &height_) == 0)
    refuse("no size");
  check_image_size(height_, width_, encoded_);
  bits_ = field<uint16_t>(TIFFTAG_BITSPERSAMPLE, 1);
  per_pixel_ = field<uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1);
  compression_ = field<uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFGetField(tiff_.get(), TIFFTAG_PHOTOMETRIC, &photometric_) == 0)
    photometric_ = PHOTOMETRIC_MINISWHITE;
  if (compression_ == COMPRESSION_OJPEG) photometric_ = PHOTOMETRIC_YCBCR;
  format_ = field<uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  planar_ = field<uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  orientation_ = field<uint16_t>(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  if (per_pixel_ < 1 || per_pixel_ > kMostSamples)
    refuse(fmt::format("{} samples per pixel", per_pixel_));
  fill_order_ = field<uint16_t>(TIFFTAG_FILLORDER, FILLORDER_MSB2LSB);
  kind_ = kind_of_file();
  if (format_ != SAMPLEFORMAT_UINT && kind_ != PixelKind::kGray)
    refuse(fmt::format("colours of sample format {}", format_));
  uint16_t extras = 0;
  uint16_t* kinds = nullptr;
  if (kind_ == PixelKind::kRgb &&
      TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &extras, &kinds) != 0 &&
      extras > 0 && kinds != nullptr && per_pixel_ > 3)
    alpha_ = kinds[0];
  samples_ = kind_ == PixelKind::kRgb     ? (alpha_ == EXTRASAMPLE_ASSOCALPHA ? 4 : 3)
             : kind_ == PixelKind::kCmyk  ? 4
             : kind_ == PixelKind::kYcbcr ? 3
                                          : 1;
}

template <class T>
T tiff_sample(const uint8_t* row, size_t at) {
  T value{};  // in this machine's order
  std::memcpy(&value, row + sizeof(T) * at, sizeof value);
  return value;
}

// Deep gray is cut off at 0 and 255 and not scaled: what PIL's convert makes of its modes I and F.
uint8_t TiffReader::clipped_gray(const uint8_t* row, size_t at) const {
  if (format_ == SAMPLEFORMAT_IEEEFP) {
    const auto value = tiff_sample<float>(row, at);
    return value > 0 ? static_cast<uint8_t>(std::min(value, 255.0f)) : uint8_t{0};
  }
  int32_t value = 0;
  if (bits_ == 32) {
    value = tiff_sample<int32_t>(row, at);  // PIL takes unsigned ones as signed, too
  } else if (bits_ == 16) {
    value = format_ == SAMPLEFORMAT_INT ? int32_t{tiff_sample<int16_t>(row, at)}
                                        : int32_t{tiff_sample<uint16_t>(row, at)};
  } else {
    const uint8_t* pair = row + at / 2 * 3;  // two of 12 bits in three bytes
    value = at % 2 == 0 ? pair[0] << 4 | pair[1] >> 4 : (pair[1] & 0x0f) << 8 | pair[2];
  }
  return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

// count pixels of a row in the file to 8-bit samples.
void TiffReader::unpack(const uint8_t* row, size_t count, uint16_t plane, uint8_t* out) const {
  const size_t step = planar_ ? 1 : per_pixel_;
  const size_t kept = planar_ ? 1 : samples_;
  const unsigned most = (1u << std::min<unsigned>(bits_, 8)) - 1;
  const bool scaled = kind_ != PixelKind::kPalette;
  const bool inverted =
      kind_ == PixelKind::kGray && photometric_ == PHOTOMETRIC_MINISWHITE && bits_ <= 8;
  for (size_t x = 0; x < count; ++x)
    for (size_t s = 0; s < kept; ++s) {
      const size_t at = x * step + s;
      unsigned value = 0;
      if (bits_ == 8) {
        value = row[at];
      } else if (bits_ > 8 && kind_ == PixelKind::kGray) {
        value = clipped_gray(row, at);
      } else if (bits_ == 16) {
        value = tiff_sample<uint16_t>(row, at) >> 8;
      } else {
        const size_t bit = at * bits_;
        value = row[bit / 8] >> (8 - bits_ - bit % 8) & most;
        if (scaled) value = value * 255 / most;
      }
      out[x * samples_ + plane + s] = static_cast<uint8_t>(inverted ? 255 - value : value);
    }
}

// Strips or tiles of a plane, or of all samples where they lie together.
void TiffReader::read_blocks(uint16_t plane, std::vector<uint8_t>& out) {
  TIFF* tiff = tiff_.get();
  const bool tiled = TIFFIsTiled(tiff) != 0;
  uint32_t block_width = width_, block_height = height_;
  if (tiled) {
    block_width = field<uint32_t>(TIFFTAG_TILEWIDTH, 0);
    block_height = field<uint32_t>(TIFFTAG_TILELENGTH, 0);
    check_image_size(block_height, block_width, encoded_);
  } else {
    block_height = std::min(height_, field<uint32_t>(TIFFTAG_ROWSPERSTRIP, height_));
    if (block_height == 0) refuse("strips without rows");
  }
  const tmsize_t size = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const tmsize_t stride = tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
  const uint64_t samples = planar_ ? 1 : per_pixel_;
  const uint64_t wanted = (uint64_t{block_width} * samples * bits_ + 7) / 8;
  if (size <= 0 || stride <= 0 || static_cast<uint64_t>(stride) < wanted ||
      static_cast<uint64_t>(size) < static_cast<uint64_t>(stride) * block_height)
    refuse("blocks of another size than their pixels");
  std::vector<uint8_t> block(static_cast<size_t>(size));
  for (uint32_t y = 0; y < height_; y += std::min(block_height, height_ - y))
    for (uint32_t x = 0; x < width_; x += std::min(block_width, width_ - x)) {
      const uint32_t number =
          tiled ? TIFFComputeTile(tiff, x, y, 0, plane) : TIFFComputeStrip(tiff, y, plane);
      // libtiff makes up what the file's list of blocks lacks, at offset 0, where the header is.
      // PIL leaves such rows empty.
      if (TIFFGetStrileOffset(tiff, number) == 0) {
        if (compression_ == COMPRESSION_NONE) continue;
        refuse("fewer blocks than the image has");
      }
      const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff, number, block.data(), size)
                                 : TIFFReadEncodedStrip(tiff, number, block.data(), size);
      if (got < 0) refuse(input_.message);
      const uint32_t rows = std::min(block_height, height_ - y),
                     columns = std::min(block_width, width_ - x);
      if (got < stride * (static_cast<tmsize_t>(rows) - 1) + static_cast<tmsize_t>(wanted))
        refuse("unexpected end of file");
      for (uint32_t row = 0; row < rows; ++row)
        unpack(block.data() + static_cast<size_t>(stride) * row, columns, plane,
               out.data() + (size_t{y + row} * width_ + x) * samples_);
    }
}

std::vector<uint8_t> TiffReader::read_samples() {
  if (kind_ == PixelKind::kYcbcr) {
    if (compression_ != COMPRESSION_JPEG || planar_) return read_by_libtiff();
    TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  std::vector<uint8_t> out(size_t{width_} * height_ * samples_);
  const uint16_t planes = planar_ ? samples_ : 1;
  for (uint16_t plane = 0; plane < planes; ++plane) read_blocks(plane, out);
  return out;
}

// What needs libtiff's conversion of colours.
std::vector<uint8_t> TiffReader::read_by_libtiff() {
  const size_t pixels = size_t{width_} * height_;
  std::vector<uint32_t> raster(pixels);
  if (TIFFReadRGBAImageOriented(tiff_.get(), width_, height_, raster.data(), ORIENTATION_TOPLEFT,
                                1) == 0)
    refuse(input_.message);
  std::vector<uint8_t> out(3 * pixels);
  for (size_t i = 0; i < pixels; ++i) {
    out[3 * i] = static_cast<uint8_t>(TIFFGetR(raster[i]));
    out[3 * i + 1] = static_cast<uint8_t>(TIFFGetG(raster[i]));
    out[3 * i + 2] = static_cast<uint8_t>(TIFFGetB(raster[i]));
  }
  return out;
}

Palette TiffReader::read_palette() const {
  Palette palette;
  uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &red, &green, &blue) == 0) refuse("no palette");
  for (size_t i = 0; i < size_t{1} << bits_; ++i) {
    palette.rgb[i][0] = static_cast<uint8_t>(red[i] >> 8);
    palette.rgb[i][1] = static_cast<uint8_t>(green[i] >> 8);
    palette.rgb[i][2] = static_cast<uint8_t>(blue[i] >> 8);
  }
  return palette;
}

void without_premultiplied_alpha(const uint8_t* rgba, uint8_t* rgb) {
  for (int c = 0; c < 3; ++c)
    rgb[c] =
        rgba[3] == 0 ? uint8_t{0} : static_cast<uint8_t>(std::min(255, 255 * rgba[c] / rgba[3]));
}

// As the orientation (1 to 8) says that it is to be shown.
Image oriented(Image image, uint16_t orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool turned = orientation >= 5;
  const int64_t H = image.height, W = image.width, C = image.channels;
  Image out{turned ? W : H, turned ? H : W, C, {}};
  if (image.pixels.empty()) return out;  // the header alone
  out.pixels.resize(image.pixels.size());
  uint8_t* next = out.pixels.data();
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t row = turned ? x : y, column = turned ? y : x;
      const int64_t from =
          (from_below ? H - 1 - row : row) * W + (from_right ? W - 1 - column : column);
      next = std::copy_n(image.pixels.data() + from * C, C, next);
    }
  return out;
}

Image TiffReader::read(bool header_only) {
  read_header();
  Image image{height_, width_, kind_ == PixelKind::kGray ? 1 : 3, {}};
  const Palette palette = kind_ == PixelKind::kPalette ? read_palette() : Palette();
  if (palette.is_gray() && kind_ == PixelKind::kPalette) image.channels = 1;
  if (header_only) return oriented(std::move(image), orientation_);
  auto samples = read_samples();
  const size_t pixels = size_t{width_} * height_;
  if (kind_ == PixelKind::kPalette) {
    image.pixels = palette.paint(samples);
  } else if (samples_ == 4) {
    image.pixels.resize(3 * pixels);
    for (size_t i = 0; i < pixels; ++i)
      (kind_ == PixelKind::kCmyk ? cmyk_to_rgb : without_premultiplied_alpha)(&samples[4 * i],
                                                                              &image.pixels[3 * i]);
  } else {
    image.pixels = std::move(samples);
  }
  return oriented(std::move(image), orientation_);
}

}  // namespace

Image decode_tiff(const EncodedImage& encoded, bool header_only) {
  return TiffReader(encoded).read(header_only);
}

}  // namespace braid::io
