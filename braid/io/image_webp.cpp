#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "braid/io/image.h"
#include "braid/io/image_codecs.h"

namespace braid::io {
namespace {

struct DeleteWebp {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

const char* webp_fault(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "unexpected end of file";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature that libwebp lacks";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory";
    default:
      return "bad data";
  }
}

}  // namespace

Image decode_webp(const EncodedImage& encoded, bool header_only) {
  WebPBitstreamFeatures features;
  const auto status = WebPGetFeatures(encoded.bytes.data(), encoded.bytes.size(), &features);
  if (status != VP8_STATUS_OK) refuse_image("WebP", webp_fault(status), encoded);
  Image image{features.height, features.width, 3, {}};
  check_image_size(image.height, image.width, encoded);
  if (header_only) return image;
  // PIL's own way, so that an animation's first frame lies on its canvas.
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  options.color_mode = MODE_RGBA;
  options.use_threads = 0;
  const WebPData data{encoded.bytes.data(), encoded.bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, DeleteWebp> decoder(WebPAnimDecoderNew(&data, &options));
  WebPAnimInfo info;
  if (!decoder || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0)
    refuse_image("WebP", "unexpected end of file", encoded);
  if (info.canvas_width != static_cast<uint32_t>(features.width) ||
      info.canvas_height != static_cast<uint32_t>(features.height))
    refuse_image("WebP", "two sizes", encoded);
  uint8_t* rgba = nullptr;
  int milliseconds = 0;
  if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &milliseconds) == 0)
    refuse_image("WebP", "bad data", encoded);
  const auto pixels = static_cast<size_t>(image.height * image.width);
  image.pixels.resize(3 * pixels);
  for (size_t i = 0; i < pixels; ++i)
    for (size_t c = 0; c < 3; ++c) image.pixels[3 * i + c] = rgba[4 * i + c];
  return image;
}

}  // namespace braid::io
