// What the processor can do.
#pragma once
#include <cstdint>
#include <string>

namespace braid {

// True where bfloat16 matrix products are faster than float32: AMX-BF16 or AVX512-BF16.
bool cpu_has_bf16_matrix();
// "AMD EPYC 9004", as the kernel names it; "unknown" where it does not.
std::string cpu_model();
// Physical memory in bytes.
int64_t memory_bytes();

}  // namespace braid
