// Any bytes as an ONNX file, which is run where it can be.
#include <algorithm>
#include <map>
#include <string>

#include "braid/core/error.h"
#include "braid/runner/session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using braid::runner::Session;
  for (const bool fuses : {true, false}) {
    try {
      const auto session =
          Session::of_bytes({data, size}, "fuzz", {.most_bytes = 16 << 20, .fuses = fuses});
      std::map<std::string, braid::runner::Tensor> inputs;
      for (const auto& value : session->inputs()) {
        auto dims = value.dims;
        for (auto& dim : dims) dim = dim < 0 ? 4 : dim;
        auto tensor = session->make(value.dtype, dims);
        std::fill_n(tensor.raw(), tensor.byte_size(), std::byte{1});
        inputs[value.name] = tensor;
      }
      session->run(inputs);
    } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
    }
  }
  return 0;
}
