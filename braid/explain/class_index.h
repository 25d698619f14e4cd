// A class that the user names.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::explain {

// Its position; target: a name, or a number below count. Throws UsageError with near matches.
int64_t class_index(const std::string& target, const std::vector<std::string>& classes,
                    int64_t count);

}  // namespace braid::explain
