#include <fmt/format.h>
#include <turbojpeg.h>

#include <memory>

#include "braid/core/error.h"
#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

tjhandle thread_decoder() {  // a decoder is costly to make and not thread-safe
  thread_local const std::unique_ptr<void, Destroy> handle(tjInitDecompress());
  return handle.get();
}

}  // namespace

Image decode_jpeg(const uint8_t* bytes, size_t size, const std::string& where,
                  const DecodeLimits& limits) {
  tjhandle decoder = thread_decoder();
  if (decoder == nullptr) throw InternalError("image", "cannot create a JPEG decoder");
  const auto corrupt = [&](const char* when) {
    throw DataError("image",
                    fmt::format("corrupt or truncated JPEG {}: {}", when, tjGetErrorStr2(decoder)),
                    where, "replace or remove the file");
  };
  int width = 0, height = 0, subsampling = 0, colorspace = 0;
  if (tjDecompressHeader3(decoder, bytes, size, &width, &height, &subsampling, &colorspace) != 0)
    corrupt("header");
  check_image_size(height, width, where, limits);

  const bool cmyk = colorspace == TJCS_CMYK || colorspace == TJCS_YCCK;
  const bool gray = colorspace == TJCS_GRAY;
  const int format = cmyk ? TJPF_CMYK : gray ? TJPF_GRAY : TJPF_RGB;
  Image image{height, width, gray ? 1 : 3, {}};
  const size_t pixels = static_cast<size_t>(height) * static_cast<size_t>(width);
  std::vector<uint8_t> out(pixels * static_cast<size_t>(tjPixelSize[format]));
  // TJFLAG_STOPONWARNING turns a premature end of file, which libjpeg would paint gray, into an
  // error.
  if (tjDecompress2(decoder, bytes, size, out.data(), width, 0, height, format,
                    TJFLAG_STOPONWARNING | TJFLAG_ACCURATEDCT) != 0)
    corrupt("data");
  if (cmyk) {  // Adobe stores CMYK inverted, so a channel times black is the colour
    image.pixels.resize(pixels * 3);
    for (size_t i = 0; i < pixels; ++i)
      for (size_t c = 0; c < 3; ++c)
        image.pixels[3 * i + c] = static_cast<uint8_t>(out[4 * i + c] * out[4 * i + 3] / 255);
  } else {
    image.pixels = std::move(out);
  }
  return image;
}

}  // namespace braid::io
