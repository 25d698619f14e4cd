// LibTorch's engines, each batch with as many threads as it is fastest with.
#pragma once
#include <cstdint>
#include <memory>

#include "braid/serve/engine.h"

namespace braid::serve {

// most: threads.
std::unique_ptr<Engine> with_chosen_threads(std::unique_ptr<Engine> engine, int64_t most);

}  // namespace braid::serve
