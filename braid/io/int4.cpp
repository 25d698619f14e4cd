#include "braid/io/int4.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::io {
namespace {

constexpr unsigned kNibble = 0xf;

// The sign is the highest of the 4 bits.
int8_t number_of(unsigned half) { return static_cast<int8_t>(half < 8 ? half : half - 16); }

}  // namespace

std::string pack_int4(std::span<const int8_t> numbers) {
  std::string bytes(int4_bytes(numbers.size()), '\0');
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] < kLeastInt4 || numbers[i] > kMostInt4)
      throw InternalError("int4", fmt::format("expected numbers from {} to {}, got {}", kLeastInt4,
                                              kMostInt4, numbers[i]));
    const unsigned half = static_cast<unsigned>(numbers[i]) & kNibble;
    const unsigned other = static_cast<uint8_t>(bytes[i / 2]);
    bytes[i / 2] = static_cast<char>(other | (i % 2 == 0 ? half : half << 4));
  }
  return bytes;
}

void unpack_int4(std::span<const uint8_t> bytes, std::span<int8_t> numbers) {
  if (bytes.size() != int4_bytes(numbers.size()))
    throw InternalError(
        "int4", fmt::format("expected {} bytes of {} numbers, got {}", int4_bytes(numbers.size()),
                            numbers.size(), bytes.size()));
  for (size_t i = 0; i < numbers.size(); ++i) {
    const unsigned both = bytes[i / 2];
    numbers[i] = number_of(i % 2 == 0 ? both & kNibble : both >> 4);
  }
}

}  // namespace braid::io
