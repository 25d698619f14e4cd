// Texts of which each is a line.
#pragma once
#include <string>
#include <string_view>

namespace braid::text {

// Whether there is nothing but white space.
bool is_blank(std::string_view text);

// With a space for each character that some program takes for the end of a line: "\n", "\r", "\v",
// "\f", U+001C to U+001E, U+0085, U+2028, U+2029.
std::string on_one_line(std::string_view text);

}  // namespace braid::text
