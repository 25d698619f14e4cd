// From a tensor's type to the language's.
#pragma once
#include <cstdint>

#include "braid/runner/dtype.h"

namespace braid::runner {

// Calls f with a value of the type; false where it is bool, or int4, with which ONNX computes
// nothing.
template <class F>
bool for_number_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat:
      f(float{});
      return true;
    case DType::kDouble:
      f(double{});
      return true;
    case DType::kInt32:
      f(int32_t{});
      return true;
    case DType::kInt64:
      f(int64_t{});
      return true;
    case DType::kUint8:
      f(uint8_t{});
      return true;
    case DType::kInt8:
      f(int8_t{});
      return true;
    default:
      return false;
  }
}

}  // namespace braid::runner
