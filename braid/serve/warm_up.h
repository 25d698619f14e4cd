// The first run of an engine, before anybody waits for it.
#pragma once
#include <vector>

#include "braid/serve/engine.h"

namespace braid::serve {

// One row for each of the engine's inputs, free sizes being 1: zeros, of tokens ones.
std::vector<Tensor> made_up_inputs(const Engine& engine);

// What is broken shows now, and the first request is as fast as the others. Throws DataError where
// the output of one row is not finite, and what the engine throws.
void warm_up(Engine& engine);

}  // namespace braid::serve
