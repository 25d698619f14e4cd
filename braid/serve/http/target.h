// The path of a request.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::serve {

// "/v2/models/a%20b?x=1" -> {"v2", "models", "a b"}; empty segments are left out. Nothing where it
// is no path, or holds a wrong escape.
std::optional<std::vector<std::string>> split_target(std::string_view target);

}  // namespace braid::serve
