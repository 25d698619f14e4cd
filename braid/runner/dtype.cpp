#include "braid/runner/dtype.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "braid/core/error.h"
#include "braid/io/int4.h"

namespace braid::runner {

size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
    case DType::kInt8:
    case DType::kBool:
    case DType::kInt4:
      return 1;
    case DType::kFloat:
    case DType::kInt32:
      return 4;
    default:
      return 8;
  }
}

bool is_supported(int32_t data_type) {
  for (const auto dtype : {DType::kFloat, DType::kUint8, DType::kInt8, DType::kInt32, DType::kInt64,
                           DType::kBool, DType::kDouble})
    if (static_cast<int32_t>(dtype) == data_type) return true;
  return false;
}

uint64_t stored_bytes(int64_t count, DType dtype) {
  const auto elements = static_cast<uint64_t>(count);
  return dtype == DType::kInt4 ? io::int4_bytes(elements) : elements * size_of(dtype);
}

std::string to_string(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return "float32";
    case DType::kUint8:
      return "uint8";
    case DType::kInt8:
      return "int8";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kBool:
      return "bool";
    case DType::kInt4:
      return "int4";
    default:
      return "float64";
  }
}

std::string to_string(const Dims& dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

int64_t count_of(const Dims& dims, DType dtype, const std::string& what) {
  constexpr int64_t kMostBytes = int64_t{1} << 46;
  const int64_t most = kMostBytes / static_cast<int64_t>(size_of(dtype));
  int64_t count = 1;
  bool empty = false;
  for (const int64_t size : dims) {
    if (size < 0) throw DataError("onnx", "expected sizes from 0 on, got " + to_string(dims), what);
    if (size == 0) {
      empty = true;
    } else {
      if (count > most / size)
        throw DataError("onnx", "expected a tensor that fits into memory, got " + to_string(dims),
                        what);
      count *= size;
    }
  }
  return empty ? 0 : count;
}

}  // namespace braid::runner
