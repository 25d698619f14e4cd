// The most memory that the process held at once during a stretch of work.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

namespace braid::evaluate {

// Construct, work, ask. Resident memory of the whole process (program, LibTorch, data set, weights,
// activations), in bytes. The allocator's unused pages are handed back first, so that the work
// before does not count. The kernel keeps the peak itself (VmHWM, reset through
// /proc/self/clear_refs); where it refuses the reset, the size is sampled every 5 ms instead.
class PeakMemory {
 public:
  PeakMemory();
  ~PeakMemory();
  PeakMemory(const PeakMemory&) = delete;
  PeakMemory& operator=(const PeakMemory&) = delete;

  // The peak so far; nothing where the system does not tell.
  std::optional<int64_t> bytes() const;
  int64_t start() const { return start_; }  // bytes when it was constructed
  static int64_t now();                     // bytes of the process as it is

 private:
  int64_t start_ = 0;
  bool kernel_counts_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> sampled_{0};
  std::thread sampler_;
};

}  // namespace braid::evaluate
