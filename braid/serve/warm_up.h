// The first run of an engine, before anybody waits for it.
#pragma once
#include "braid/serve/engine.h"

namespace braid::serve {

// What is broken shows now, and the first request is as fast as the others. Throws DataError where
// the output of one row is not finite, and what the engine throws.
void warm_up(Engine& engine);

}  // namespace braid::serve
