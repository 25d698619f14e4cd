// Any bytes as a JPEG or PNG image.
#include "braid/core/error.h"
#include "braid/io/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    braid::io::decode_image(data, size, "fuzz", {.max_pixels = 1 << 20});
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
