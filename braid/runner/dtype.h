// The types and sizes of tensors.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace braid::runner {

using Dims = std::vector<int64_t>;

// ONNX's numbers of those types that are computed with here. int4 is a type of stored numbers
// alone: two in a byte of a file, each in a byte of its own, as int8 would be, in memory.
enum class DType : int32_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kDouble = 11,
  kInt4 = 22
};
size_t size_of(DType dtype);         // bytes in memory
std::string to_string(DType dtype);  // "float32"
// Whether this number is one of the above that inputs, outputs and results may have: not int4.
bool is_supported(int32_t data_type);
// Bytes of so many elements in a file.
uint64_t stored_bytes(int64_t count, DType dtype);

// The number of elements. Throws DataError naming `what` for negative sizes and for more bytes
// than 2^46.
int64_t count_of(const Dims& dims, DType dtype, const std::string& what);
std::string to_string(const Dims& dims);  // "[1, 3, 224, 224]"

}  // namespace braid::runner
