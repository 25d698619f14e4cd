#include "braid/runtime/process.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "braid/core/cpu.h"
#include "braid/torch.h"

namespace braid::runtime {

void seed_generators(int64_t seed) { torch::manual_seed(static_cast<uint64_t>(seed)); }

int64_t set_threads(int64_t threads) {
  if (threads == 0) threads = std::min<int64_t>(at::get_num_threads(), usable_cpus());
  at::set_num_threads(static_cast<int>(threads));
  return threads;
}

}  // namespace braid::runtime
