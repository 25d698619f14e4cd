#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

struct GifInput {
  std::span<const uint8_t> bytes;
  size_t position = 0;
};

int read_gif(GifFileType* gif, GifByteType* out, int count) {
  auto& input = *static_cast<GifInput*>(gif->UserData);
  const size_t left = input.bytes.size() - input.position;
  // The mark that ends a picture's blocks may be missing: a block's length of 0 is that mark, and
  // is an error where pixels are still to come.
  if (left == 0 && count == 1) {
    *out = 0;
    return 1;
  }
  const size_t taken = std::min(left, static_cast<size_t>(count));
  std::memcpy(out, input.bytes.data() + input.position, taken);
  input.position += taken;
  return static_cast<int>(taken);
}

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

class GifReader {
 public:
  explicit GifReader(const EncodedImage& encoded) : encoded_(encoded), input_{encoded.bytes} {
    int error = 0;
    gif_.reset(DGifOpen(&input_, read_gif, &error));
    if (!gif_) refuse(error);
  }
  Image read(bool header_only);

 private:
  [[noreturn]] void refuse(int error) const {
    const char* text = GifErrorString(error);
    refuse_image("GIF", text != nullptr ? text : "unexpected end of file", encoded_);
  }
  void check(int result) const {
    if (result != GIF_OK) refuse(gif_->Error);
  }
  void find_first_frame();
  void read_frame(std::vector<uint8_t>& canvas, size_t stride);

  const EncodedImage& encoded_;
  GifInput input_;
  std::unique_ptr<GifFileType, CloseGif> gif_;
  uint8_t background_ = 0;  // the colour that shows nothing, where the frame has one
};

void GifReader::find_first_frame() {
  constexpr int kGraphicControl = 0xf9;
  constexpr std::string_view kRecords = "!,;";
  while (true) {
    // PIL passes over whatever stands between records.
    while (input_.position < input_.bytes.size() &&
           kRecords.find(static_cast<char>(input_.bytes[input_.position])) ==
               std::string_view::npos)
      ++input_.position;
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    check(DGifGetRecordType(gif_.get(), &record));
    if (record == IMAGE_DESC_RECORD_TYPE) break;
    if (record != EXTENSION_RECORD_TYPE) refuse_image("GIF", "no picture in it", encoded_);
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(gif_.get(), &code, &block));
    if (code == kGraphicControl && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0)
      background_ = block[4];
    while (block != nullptr) check(DGifGetExtensionNext(gif_.get(), &block));
  }
  check(DGifGetImageDesc(gif_.get()));
}

// The frame's indices into its place on the canvas.
void GifReader::read_frame(std::vector<uint8_t>& canvas, size_t stride) {
  const auto& frame = gif_->Image;
  const auto row = [&](int y) {
    uint8_t* out = canvas.data() + static_cast<size_t>(frame.Top + y) * stride + frame.Left;
    check(DGifGetLine(gif_.get(), out, frame.Width));
  };
  if (!frame.Interlace) {
    for (int y = 0; y < frame.Height; ++y) row(y);
    return;
  }
  constexpr int kFirst[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; ++pass)
    for (int y = kFirst[pass]; y < frame.Height; y += kStep[pass]) row(y);
}

Image GifReader::read(bool header_only) {
  find_first_frame();
  const auto& frame = gif_->Image;
  if (frame.Left < 0 || frame.Top < 0 || frame.Width <= 0 || frame.Height <= 0)
    refuse_image("GIF", "an empty picture", encoded_);
  // As PIL does, the canvas grows where a frame reaches out of it.
  const int64_t width = std::max<int64_t>(gif_->SWidth, int64_t{frame.Left} + frame.Width),
                height = std::max<int64_t>(gif_->SHeight, int64_t{frame.Top} + frame.Height);
  check_image_size(height, width, encoded_);
  Palette palette;
  const auto* colors = frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap;
  if (colors == nullptr) palette.set_gray();
  for (int i = 0; colors != nullptr && i < std::min(256, colors->ColorCount); ++i) {
    palette.rgb[i][0] = colors->Colors[i].Red;
    palette.rgb[i][1] = colors->Colors[i].Green;
    palette.rgb[i][2] = colors->Colors[i].Blue;
  }
  Image image{height, width, palette.is_gray() ? 1 : 3, {}};
  if (header_only) return image;
  std::vector<uint8_t> canvas(static_cast<size_t>(width * height), background_);
  read_frame(canvas, static_cast<size_t>(width));
  image.pixels = palette.paint(canvas);
  return image;
}

}  // namespace

Image decode_gif(const EncodedImage& encoded, bool header_only) {
  return GifReader(encoded).read(header_only);
}

}  // namespace braid::io
