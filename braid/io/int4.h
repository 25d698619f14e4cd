// Whole numbers of 4 bits as ONNX stores them: two in a byte, the first in its lower half.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace braid::io {

inline constexpr int64_t kLeastInt4 = -8, kMostInt4 = 7;

// How many bytes hold so many numbers: of an odd count half of the last one is left over.
constexpr uint64_t int4_bytes(uint64_t count) { return count / 2 + count % 2; }

// Half a byte that is left over is 0. Throws InternalError for a number outside of -8 to 7.
std::string pack_int4(std::span<const int8_t> numbers);

// As many as `numbers` has room for; what half a byte that is left over holds is not looked at.
// Throws InternalError unless there are int4_bytes() of them.
void unpack_int4(std::span<const uint8_t> bytes, std::span<int8_t> numbers);

}  // namespace braid::io
