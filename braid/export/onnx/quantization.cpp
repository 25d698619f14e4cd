#include <fmt/format.h>

#include "braid/export/onnx/emitter.h"
#include "braid/io/int4.h"

namespace braid::onnx {
namespace {

// A constant is stored as the integers that it rounds to.
torch::Tensor integers_of(Emitter& e, const Node& node, const torch::Tensor& scales, int64_t axis) {
  const auto& weight = e.graph().at(node.value("self")).constant.detach();
  std::vector<int64_t> along(static_cast<size_t>(weight.dim()), 1);
  if (scales.numel() > 1) along[static_cast<size_t>(axis)] = -1;
  const auto inverse = (1.0f / scales).view(along);
  return (weight * inverse)
      .round()
      .clamp(node.integer("quant_min"), node.integer("quant_max"))
      .to(torch::kChar);
}

bool is_signed(const Node& node) { return node.integer("quant_min") < 0; }

void dequantize_constant(Emitter& e, const Node& node, const torch::Tensor& scales, int64_t axis) {
  const auto& value = e.graph().at(node.value("self"));
  const auto store = [&](const torch::Tensor& integers, const std::string& name) {
    return is_stored_as_int4(e.graph(), node) ? e.int4_constant(integers, name)
                                              : e.constant(integers, name);
  };
  const auto stored = store(integers_of(e, node, scales, axis), value.name);
  const auto factors = scales.numel() == 1 ? scales.reshape({}) : scales;
  const auto zeros = torch::zeros(factors.sizes(), torch::kChar);
  Attributes attributes;
  if (factors.dim() > 0) attributes = {{"axis", axis}};
  e.emit(node, "DequantizeLinear", {stored, e.constant(factors), store(zeros, "")}, attributes);
}

// Activations become uint8, constants int8 or int4.
void quantize_per_tensor(Emitter& e, const Node& node) {
  const ValueId input = node.value("self");
  if (e.graph().is_constant(input)) {
    if (node.integer("zero_point") != 0 || !is_signed(node))
      e.refuse("symmetric weights", "others");
    return dequantize_constant(e, node, torch::full({1}, node.number("scale")), 0);
  }
  if (node.integer("quant_min") != 0 || node.integer("quant_max") != 255)
    e.refuse("activations of 8 bits without a sign", "others");
  const auto scale = e.scalar(node.number("scale"));
  const auto zero = e.scalar(static_cast<double>(node.integer("zero_point")), torch::kByte);
  const auto quantized = e.add("QuantizeLinear", {e.name(input), scale, zero});
  e.emit(node, "DequantizeLinear", {quantized, scale, zero});
}

void quantize_per_channel(Emitter& e, const Node& node) {
  const ValueId scale = node.value("scale");
  if (!e.graph().is_constant(node.value("self")) || !e.graph().is_constant(scale))
    e.refuse("a constant with constant scales", "another");
  dequantize_constant(e, node, e.graph().at(scale).constant, node.integer("axis"));
}

}  // namespace

bool is_stored_as_int4(const graph::Graph& graph, const Node& node) {
  return node.name().starts_with("aten::fake_quantize_") && graph.is_constant(node.value("self")) &&
         node.integer("quant_min") >= io::kLeastInt4 && node.integer("quant_max") <= io::kMostInt4;
}

void add_quantization(EmitTable& table) {
  table.insert({{"aten::fake_quantize_per_channel_affine", quantize_per_channel},
                {"aten::fake_quantize_per_tensor_affine", quantize_per_tensor}});
}

}  // namespace braid::onnx
