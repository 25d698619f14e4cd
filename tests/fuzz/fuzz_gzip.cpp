// Any bytes as a gzip stream.
#include "braid/core/error.h"
#include "braid/io/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    braid::io::gunzip({data, data + size}, 1 << 20, "fuzz");
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
