#include "braid/text/line.h"

#include <cstddef>

namespace braid::text {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

std::string on_one_line(std::string_view text) {
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto starts = [&](std::string_view sequence) {
      return text.substr(i, sequence.size()) == sequence;
    };
    const char c = text[i];
    if ((c >= '\n' && c <= '\r') || (c >= '\x1c' && c <= '\x1e')) {
      line += ' ';
    } else if (starts("\xc2\x85")) {
      line += ' ';
      i += 1;
    } else if (starts("\xe2\x80\xa8") || starts("\xe2\x80\xa9")) {
      line += ' ';
      i += 2;
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace braid::text
