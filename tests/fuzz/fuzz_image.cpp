// Any bytes as an image: what the header says is what the pixels are.
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/io/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const braid::io::DecodeLimits limits{.max_pixels = 1 << 20};
  try {
    const auto image = braid::io::decode_image(data, size, "fuzz", limits);
    const auto info = braid::io::image_info(data, size, "fuzz", limits);
    const auto pixels = static_cast<size_t>(image.height * image.width * image.channels);
    if (image.pixels.size() != pixels || info.height != image.height || info.width != image.width ||
        info.channels != image.channels)
      std::abort();
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
