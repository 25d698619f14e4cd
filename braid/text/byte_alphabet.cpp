#include "braid/text/byte_alphabet.h"

#include "braid/text/utf8.h"

namespace braid::text {
namespace {

bool is_printable_byte(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr char32_t kAlphabetEnd = 0x144;  // the code points are below it

std::array<int, kAlphabetEnd> bytes_of_alphabet() {
  std::array<int, kAlphabetEnd> bytes;
  bytes.fill(-1);
  for (int byte = 0; byte < 256; ++byte) bytes[byte_alphabet()[static_cast<size_t>(byte)]] = byte;
  return bytes;
}

}  // namespace

const std::array<char32_t, 256>& byte_alphabet() {
  static const auto kAlphabet = [] {
    std::array<char32_t, 256> alphabet;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte)
      alphabet[static_cast<size_t>(byte)] =
          is_printable_byte(byte) ? static_cast<char32_t>(byte) : next++;
    return alphabet;
  }();
  return kAlphabet;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  static const auto kBytes = bytes_of_alphabet();
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const auto [code, length] = decode_utf8(text.data() + at);
    if (code >= kAlphabetEnd || kBytes[code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[code]));
    at += length;
  }
  return bytes;
}

}  // namespace braid::text
