#include "braid/core/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

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

bool has_flag(const std::string& wanted) {
  std::istringstream flags(cpuinfo("flags"));
  for (std::string flag; flags >> flag;)
    if (flag == wanted) return true;
  return false;
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Of /proc/self/cgroup: the process's group in version 2, and in version 1 for processor time and
// for memory.
struct Groups {
  std::string unified, cpu, memory;
};
Groups own_groups() {
  Groups groups;
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // ID:CONTROLLERS:PATH
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") groups.unified = line.substr(second + 1);
    if (controllers.find(",cpu,") != std::string::npos) groups.cpu = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) groups.memory = line.substr(second + 1);
  }
  return groups;
}

// The processors that the process may use.
class AffinityMask {
 public:
  AffinityMask() : set_(CPU_ALLOC(kMost)) {
    known_ = set_ != nullptr && ::sched_getaffinity(0, CPU_ALLOC_SIZE(kMost), set_) == 0;
  }
  ~AffinityMask() {
    if (set_ != nullptr) CPU_FREE(set_);
  }
  AffinityMask(const AffinityMask&) = delete;
  AffinityMask& operator=(const AffinityMask&) = delete;

  int64_t count() const {
    const int64_t cpus =
        known_ ? CPU_COUNT_S(CPU_ALLOC_SIZE(kMost), set_) : ::sysconf(_SC_NPROCESSORS_ONLN);
    return std::max<int64_t>(1, cpus);
  }
  bool holds(int64_t cpu) const {
    return known_ && cpu < kMost &&
           CPU_ISSET_S(static_cast<size_t>(cpu), CPU_ALLOC_SIZE(kMost), set_);
  }

 private:
  static constexpr int kMost = 1 << 14;
  cpu_set_t* set_;
  bool known_ = false;
};

// The tightest limit of a group and the groups around it. In a container the group's own path need
// not be visible: its root is then what is mounted.
template <class Limit>
int64_t tightest(const std::filesystem::path& mount, const std::string& group, int64_t most,
                 const Limit& limit) {
  std::filesystem::path folder = mount / std::filesystem::path(group).relative_path();
  for (; folder.has_relative_path() && folder != mount; folder = folder.parent_path())
    most = std::min(most, limit(folder, most));
  return std::min(most, limit(mount, most));
}

constexpr const char* kGroups = "/sys/fs/cgroup";

}  // namespace

int64_t cpus_of_quota(int64_t processors, const std::string& quota, const std::string& period) {
  std::istringstream words(quota + " " + period);
  double time = 0, of = 0;
  if (!(words >> time >> of) || time <= 0 || of <= 0) return processors;  // "max", -1, nothing
  const double share = std::floor(time / of);
  return std::clamp<int64_t>(static_cast<int64_t>(std::min(share, 1e6)), 1, processors);
}

int64_t usable_cpus() {
  const Groups groups = own_groups();
  const std::filesystem::path root = kGroups;
  int64_t cpus =
      tightest(root, groups.unified, AffinityMask().count(), [](const auto& folder, int64_t n) {
        return cpus_of_quota(n, first_line(folder / "cpu.max"), "");
      });
  for (const char* mount : {"cpu", "cpu,cpuacct"})
    cpus = tightest(root / mount, groups.cpu, cpus, [](const auto& folder, int64_t n) {
      return cpus_of_quota(n, first_line(folder / "cpu.cfs_quota_us"),
                           first_line(folder / "cpu.cfs_period_us"));
    });
  return cpus;
}

bool cpu_has_bf16_matrix() {
  static const bool has = has_flag("amx_bf16") || has_flag("avx512_bf16");
  return has;
}

bool cpu_has_bf16_tiles() {
  static const bool has = has_flag("amx_bf16");
  return has;
}

std::string cpu_model() {
  const std::string name = cpuinfo("model name");
  return name.empty() ? "unknown" : name;
}

double seconds_waited() {
  std::error_code none;
  double nanoseconds = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", none)) {
    std::ifstream in(thread.path() / "schedstat");  // time on a processor, time waiting, turns
    double ran = 0, waited = 0;
    if (in >> ran >> waited) nanoseconds += waited;
  }
  return nanoseconds * 1e-9;
}

std::optional<double> seconds_idle() {
  const AffinityMask mask;
  std::ifstream in("/proc/stat");
  double ticks = 0;
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);  // cpu3 user nice system idle iowait ...
    std::string name;
    double user = 0, nice = 0, system = 0, idle = 0;
    if (!(words >> name >> user >> nice >> system >> idle) || name.size() < 4 ||
        !name.starts_with("cpu"))
      continue;
    if (!mask.holds(std::strtoll(name.c_str() + 3, nullptr, 10))) continue;
    ticks += idle;
    found = true;
  }
  if (!found) return std::nullopt;
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

int64_t memory_of_limit(int64_t memory, const std::string& limit) {
  std::istringstream words(limit);
  int64_t bytes = 0;
  if (!(words >> bytes) || bytes <= 0) return memory;  // "max", more than a number holds, nothing
  return std::min(bytes, memory);
}

int64_t usable_memory() {
  const Groups groups = own_groups();
  const std::filesystem::path root = kGroups;
  const int64_t memory =
      tightest(root, groups.unified, memory_bytes(), [](const auto& folder, int64_t most) {
        return memory_of_limit(most, first_line(folder / "memory.max"));
      });
  return tightest(root / "memory", groups.memory, memory, [](const auto& folder, int64_t most) {
    return memory_of_limit(most, first_line(folder / "memory.limit_in_bytes"));
  });
}

int64_t memory_bytes() { return int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)}; }

}  // namespace braid
