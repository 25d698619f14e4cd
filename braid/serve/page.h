// The page at `/`: one file without any other beside it.
#pragma once
#include <string_view>

namespace braid::serve {

std::string_view builtin_page();

}  // namespace braid::serve
