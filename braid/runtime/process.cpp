#include "braid/runtime/process.h"

#include <ATen/Parallel.h>

#include "braid/torch.h"

namespace braid::runtime {

void seed_generators(int64_t seed) { torch::manual_seed(static_cast<uint64_t>(seed)); }

void set_threads(int64_t threads) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

}  // namespace braid::runtime
