// Copies between tensors whose elements lie in some regular order: transposing, slicing, padding,
// repeating and filling are all this.
#pragma once
#include <cstddef>
#include <cstdint>

#include "braid/runner/op.h"

namespace braid::runner {

// Elements, not bytes; a stride of 0 repeats, a negative one runs backwards.
Dims contiguous_strides(const Dims& dims);

// to[sum i*to_strides] = from[sum i*from_strides] for all indices i below dims.
void copy_strided(const RunContext& context, std::byte* to, const Dims& to_strides,
                  const std::byte* from, const Dims& from_strides, const Dims& dims,
                  size_t element_bytes);

// The sizes of two tensors broadcast against each other; empty where they do not fit, with
// `fits` false.
Dims broadcast(const Dims& a, const Dims& b, bool& fits);
// The strides with which a tensor of `dims` is read as one of `target`, to which it broadcasts.
Dims broadcast_strides(const Dims& dims, const Dims& target);

// Dimensions that lie behind each other in all operands become one; those of size 1 go.
// strides: one list for each operand.
void collapse(Dims& dims, std::vector<Dims>& strides);

}  // namespace braid::runner
