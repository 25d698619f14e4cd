// Any bytes as an ONNX file, which is run where it can be.
#include "braid/core/error.h"
#include "braid/runner/session.h"
#include "tests/runner/run_on_ones.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using braid::runner::Session;
  for (const bool fuses : {true, false}) {
    try {
      const auto session =
          Session::of_bytes({data, size}, "fuzz", {.most_bytes = 16 << 20, .fuses = fuses});
      braid::runner::run_on_ones(*session, 4);
    } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
    }
  }
  return 0;
}
