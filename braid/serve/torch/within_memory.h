// LibTorch's lack of memory as the server's own error.
#pragma once
#include <string>

#include "braid/serve/engine.h"
#include "braid/torch.h"

namespace braid::serve {

// What `compute` returns. Throws BatchTooLargeError where the device or the CPU has no memory left
// for it.
template <class Compute>
auto within_memory(const Compute& compute) {
  try {
    return compute();
  } catch (const c10::Error& error) {
    const std::string why = error.what_without_backtrace();
    const bool of_device = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr;
    // The CPU's allocator has no type of its own for it.
    if (!of_device && why.find("can't allocate memory") == std::string::npos) throw;
    throw BatchTooLargeError("the batch takes more memory than there is: " +
                             why.substr(0, why.find('\n')));
  }
}

}  // namespace braid::serve
