// The order in which people list names: numbers by their value, letters whatever their case.
#pragma once
#include <string>

namespace braid {

// timm's natural_key, so that classes get the numbers that timm gives them: "2" before "10", "ant"
// before "Zebra". Letters and digits are Unicode's, as Python's are; names that are equal but for
// case or leading zeros follow their bytes.
bool natural_less(const std::string& a, const std::string& b);

// In lower case, whatever the locale. Bytes that are not UTF-8 stay as they are.
std::string to_lower(const std::string& text);

}  // namespace braid
