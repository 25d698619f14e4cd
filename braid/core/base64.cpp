#include "braid/core/base64.h"

namespace braid {

std::string to_base64(const std::vector<uint8_t>& bytes) {
  constexpr const char* kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t k) -> uint32_t { return i + k < bytes.size() ? bytes[i + k] : 0; };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);  // 24 bits, four characters
    for (size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace braid
