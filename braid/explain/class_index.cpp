#include "braid/explain/class_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::explain {

int64_t class_index(const std::string& target, const std::vector<std::string>& classes,
                    int64_t count) {
  const auto named = std::find(classes.begin(), classes.end(), target);
  if (named != classes.end()) return named - classes.begin();
  int64_t index = -1;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), index);
  if (error == std::errc() && end == target.data() + target.size() && index >= 0 && index < count)
    return index;
  throw UsageError(
      "explain", "expected a class, got '" + target + "'", "--target",
      did_you_mean(target, classes, fmt::format("give its name or a number below {}", count)));
}

}  // namespace braid::explain
