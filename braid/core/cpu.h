// What the processor can do.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace braid {

// True where bfloat16 matrix products are faster than float32: AMX-BF16 or AVX512-BF16.
bool cpu_has_bf16_matrix();
// AMX-BF16: units that multiply tiles of matrices.
bool cpu_has_bf16_tiles();
// "AMD EPYC 9004", as the kernel names it; "unknown" where it does not.
std::string cpu_model();
// Threads that can compute at once: the processors of the affinity mask, at most as many as the
// control group's quota of processor time pays for (half a processor: 1).
int64_t usable_cpus();
// The same of what the files of a control group say: cpu.max of version 2 ("50000 100000"), or the
// quota and the period of version 1; empty or without a limit: `processors`.
int64_t cpus_of_quota(int64_t processors, const std::string& quota, const std::string& period);
// How long the threads that the process has now have waited for a processor that others used, all
// of them together, in seconds; 0 where the system does not tell.
double seconds_waited();
// How long the processors of the affinity mask have stood idle since the system started, all of
// them together, in seconds; none where the system does not tell.
std::optional<double> seconds_idle();
// Physical memory in bytes.
int64_t memory_bytes();
// As much of it as the control group allows the process.
int64_t usable_memory();
// The same of what a control group's file says, memory.max of version 2 or memory.limit_in_bytes of
// version 1; empty or without a limit: `memory`.
int64_t memory_of_limit(int64_t memory, const std::string& limit);

}  // namespace braid
