// How a fusion says what an operator does besides: attributes and operators that no file has.
#pragma once
#include <optional>

#include "braid/runner/op.h"

namespace braid::runner {

inline constexpr const char* kFusedFunction = "braid.function";  // a Function as a number
inline constexpr const char* kFusedAlpha = "braid.alpha";
inline constexpr const char* kFusedBeta = "braid.beta";
// Quantized numbers on the way in or out: a scale, a zero point, a DType as a number.
struct QuantizedNames {
  const char *scale, *zero_point, *dtype;
};
inline constexpr QuantizedNames kFusedInput{"braid.input_scale", "braid.input_zero_point",
                                            "braid.input_dtype"};
inline constexpr QuantizedNames kFusedOutput{"braid.output_scale", "braid.output_zero_point",
                                             "braid.output_dtype"};

// The activation after the sums; identity where none was fused.
Activation fused_activation(const NodeView& node);
// How an input is dequantized or the output quantized.
struct FusedBytes {
  Quantization quantization;
  DType dtype = DType::kUint8;
  bool is_signed() const { return dtype == DType::kInt8; }
};
// None where that was not fused.
std::optional<FusedBytes> fused_bytes(const NodeView& node, const QuantizedNames& names);
// y as bytes.
Tensor quantize_tensor(const RunContext& context, const Tensor& y, const FusedBytes& bytes);

// a + b with broadcasting, float32: what a fused sum does where sizes differ.
Tensor add_tensors(const RunContext& context, const Tensor& a, const Tensor& b,
                   const std::string& where);
// y = f(y), in place.
void activate(const RunContext& context, const Activation& f, Tensor& y);

// Whether a matrix product is one of a constant weight and, at most, a bias of its columns.
bool is_linear(const NodeView& node);

}  // namespace braid::runner
