#include "braid/models/design_names.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "braid/runtime/generator_guard.h"

namespace braid::models {

NameResolver design_resolver(const std::string& prefix,
                             const std::function<ModelEntry(const std::string& line)>& entry_of) {
  return {.matches = [prefix](const std::string& name) { return name.starts_with(prefix); },
          .resolve = [prefix, entry_of](
                         const std::string& name) { return entry_of(name.substr(prefix.size())); },
          // In a line a comma stands before a number of channels or a further option.
          .continues =
              [](const std::string&, const std::string& piece) {
                return !piece.empty() &&
                       ((piece[0] >= '0' && piece[0] <= '9') || piece.find('=') < piece.find(':'));
              }};
}

ModelEntry checked_design(const std::string& name,
                          const std::function<ModelEntry(const std::string& name)>& check) {
  constexpr size_t kKept = 64;
  static std::mutex mutex;
  static std::map<std::string, ModelEntry> checked;
  {
    const std::lock_guard lock(mutex);
    const auto it = checked.find(name);
    if (it != checked.end()) return it->second;
  }
  const auto entry = [&] {
    const runtime::SeededGenerator random(torch::kCPU, 0);
    return check(name);
  }();
  const std::lock_guard lock(mutex);
  if (checked.size() >= kKept) checked.clear();
  checked.emplace(name, entry);
  return entry;
}

std::vector<std::string> design_items(const std::string& line) {
  std::vector<std::string> items;
  for (size_t start = 0; start <= line.size();) {
    const auto end = std::min(line.find('|', start), line.size());
    items.push_back(line.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

}  // namespace braid::models
