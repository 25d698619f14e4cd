// What a class is called.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace braid {

// The name of that index; the index itself where there are not so many names.
inline std::string name_at(const std::vector<std::string>& names, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < names.size() ? names[at] : std::to_string(index);
}

}  // namespace braid
