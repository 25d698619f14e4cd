// Any bytes as a CIFAR-10 or CIFAR-100 binary.
#include "braid/core/error.h"
#include "braid/io/cifar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const int64_t classes : {10, 100}) {
    try {
      braid::io::parse_cifar(data, size, classes, "fuzz");
    } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
    }
  }
  return 0;
}
