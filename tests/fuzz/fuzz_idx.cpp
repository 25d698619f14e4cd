// Any bytes as an IDX file.
#include "braid/core/error.h"
#include "braid/io/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    braid::io::parse_idx(data, size, "fuzz");
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
