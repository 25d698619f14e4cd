#include "braid/runner/kernels/kernels.h"

#include <cstdlib>

#include "braid/runner/kernels/tables.h"

namespace braid::runner {

std::vector<const Kernels*> usable_kernels() {
  std::vector<const Kernels*> usable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) usable.push_back(&avx512vnni_kernels());
  if (avx512) usable.push_back(&avx512_kernels());
  if (avx2) usable.push_back(&avx2_kernels());
#endif
  usable.push_back(&baseline_kernels());
  return usable;
}

const Kernels& kernels() {
  static const Kernels& chosen = [&]() -> const Kernels& {
    const auto usable = usable_kernels();
    const char* name = std::getenv("BRAID_RUN_ISA");
    if (name != nullptr)
      for (const Kernels* table : usable)
        if (std::string(name) == table->name) return *table;
    return *usable.front();
  }();
  return chosen;
}

}  // namespace braid::runner
