// What is the process's, not a library call's: the caller decides it, once per run.
#pragma once
#include <cstdint>

namespace braid::runtime {

// Seeds LibTorch's default generators, which dropout and stochastic depth draw from. Called right
// before a training it makes that training repeatable; a training itself never seeds.
void seed_generators(int64_t seed);

// Compute threads of this process, 0: as they are (OMP_NUM_THREADS), at most as many as the
// process can use (core/cpu.h). Returns their number.
int64_t set_threads(int64_t threads);

}  // namespace braid::runtime
