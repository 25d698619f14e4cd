// Any bytes as a safetensors file.
#include "braid/core/error.h"
#include "braid/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file = braid::io::SafetensorsFile::parse({data, data + size}, "fuzz");
    for (const auto& item : file.tensors()) file.bytes(item.first);
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
