#include "braid/evaluate/peak_memory.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

// jemalloc's control function where the program links it (the program does, the tests need not).
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace braid::evaluate {
namespace {

// A line such as "VmHWM:    1234 kB" of /proc/self/status, in bytes; 0 where it is missing.
int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key + ":", 0) == 0)
      return std::strtoll(line.c_str() + key.size() + 1, nullptr, 10) * 1024;
  return 0;
}

void return_unused_pages() {
  if (mallctl != nullptr)
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: every arena
  else
    malloc_trim(0);
}

bool reset_kernel_peak() {
  if (status_bytes("VmHWM") == 0) return false;
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5" << std::flush;  // 5: the peak of the resident set
  return reset.good();
}

}  // namespace

int64_t PeakMemory::now() {
  return_unused_pages();
  return status_bytes("VmRSS");
}

PeakMemory::PeakMemory() : start_(now()) {
  kernel_counts_ = reset_kernel_peak();
  if (kernel_counts_) return;
  sampler_ = std::thread([this] {
    while (!stop_) {
      sampled_ = std::max<int64_t>(sampled_, status_bytes("VmRSS"));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

PeakMemory::~PeakMemory() {
  stop_ = true;
  if (sampler_.joinable()) sampler_.join();
}

std::optional<int64_t> PeakMemory::bytes() const {
  const int64_t peak = kernel_counts_ ? status_bytes("VmHWM") : sampled_.load();
  if (peak == 0) return std::nullopt;
  return peak;
}

}  // namespace braid::evaluate
