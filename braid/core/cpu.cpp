#include "braid/core/cpu.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace braid {
namespace {

// The value of the first line "key : value" of /proc/cpuinfo.
std::string cpuinfo(const std::string& key) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos && colon + 2 <= line.size())
      return line.substr(colon + 2);
  }
  return "";
}

}  // namespace

bool cpu_has_bf16_matrix() {
  static const bool has = [] {
    std::istringstream flags(cpuinfo("flags"));
    for (std::string flag; flags >> flag;)
      if (flag == "amx_bf16" || flag == "avx512_bf16") return true;
    return false;
  }();
  return has;
}

std::string cpu_model() {
  const std::string name = cpuinfo("model name");
  return name.empty() ? "unknown" : name;
}

int64_t memory_bytes() { return int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)}; }

}  // namespace braid
