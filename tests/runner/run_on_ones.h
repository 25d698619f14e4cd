// Runs any file that can be run.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "braid/runner/session.h"

namespace braid::runner {

// On inputs all of whose bytes are 1. free: what a size is that the file leaves free.
inline void run_on_ones(Session& session, int64_t free) {
  std::map<std::string, Tensor> inputs;
  for (const auto& value : session.inputs()) {
    auto dims = value.dims;
    for (auto& dim : dims) dim = dim < 0 ? free : dim;
    Tensor tensor = session.make(value.dtype, dims);
    std::fill_n(tensor.raw(), tensor.byte_size(), std::byte{1});
    inputs[value.name] = tensor;
  }
  session.run(inputs);
}

}  // namespace braid::runner
