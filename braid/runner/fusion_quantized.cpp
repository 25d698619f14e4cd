#include "braid/runner/fusion_quantized.h"

#include <algorithm>
#include <cmath>

#include "braid/runner/op.h"

namespace braid::runner {
namespace {

class Quantizer {
 public:
  Quantizer(const Graph& graph, const std::map<std::string, size_t>& maker)
      : graph_(graph), maker_(maker) {}

  // The operator that dequantizes a value; null: none.
  const FileNode* dequantizer(const std::string& name) const {
    const auto it = maker_.find(name);
    if (it == maker_.end()) return nullptr;
    const auto& node = graph_.nodes[it->second];
    return node.op_type == "DequantizeLinear" && node.inputs.size() >= 2 ? &node : nullptr;
  }
  const Tensor* constant(const FileNode& node, size_t i) const {
    return i < node.inputs.size() ? find_constant(graph_, node.inputs[i]) : nullptr;
  }

  // int8 or int4 numbers around 0, with one scale or one for each place along `axis`.
  bool is_weight(const FileNode& node, int64_t axis) const {
    const Tensor *weight = constant(node, 0), *scales = constant(node, 1),
                 *zero = constant(node, 2);
    if (weight == nullptr || !is_scales(scales)) return false;
    if (weight->dtype() != DType::kInt8 && weight->dtype() != DType::kInt4) return false;
    if (zero != nullptr) {
      if (zero->dtype() != weight->dtype()) return false;
      const auto* numbers = zero->as<int8_t>();
      if (std::any_of(numbers, numbers + zero->count(), [](int8_t z) { return z != 0; }))
        return false;
    } else if (node.inputs.size() > 2) {
      return false;
    }
    if (scales->count() == 1) return true;
    int64_t along = 1;
    for (const auto& attribute : node.attributes) {
      if (attribute.name == "axis") along = attribute.integer;
      if (attribute.name == "block_size" && attribute.integer != 0) return false;
    }
    if (along < 0) along += weight->rank();
    return along == axis && axis < weight->rank() && scales->count() == weight->dim(axis);
  }

 private:
  static bool is_scales(const Tensor* scales) {
    if (scales == nullptr || scales->dtype() != DType::kFloat || scales->count() < 1) return false;
    const auto* numbers = scales->as<float>();
    return std::all_of(numbers, numbers + scales->count(),
                       [](float s) { return s > 0 && std::isfinite(s); });
  }

  const Graph& graph_;
  const std::map<std::string, size_t>& maker_;
};

int64_t number_of(const FileNode& node, const char* name, int64_t otherwise) {
  for (const auto& attribute : node.attributes)
    if (attribute.name == name) return attribute.integer;
  return otherwise;
}
bool has_factors(const FileNode& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const Attribute& a) {
    return (a.name == "alpha" || a.name == "beta") && a.number != 1;
  });
}

FileNode reading_bytes(const FileNode& node, const Graph& graph,
                       const std::map<std::string, size_t>& maker) {
  if (!is_by_channel(node, graph, maker)) return node;
  const FileNode* x = Quantizer(graph, maker).dequantizer(node.inputs[0]);
  if (x == nullptr) return node;
  const auto bytes = bytes_of(*x, graph);
  if (!bytes) return node;
  FileNode joined = node;
  joined.inputs[0] = x->inputs[0];
  set_bytes(joined, kFusedInput, *bytes);
  return joined;
}

}  // namespace

bool is_by_channel(const FileNode& node, const Graph& graph,
                   const std::map<std::string, size_t>& maker) {
  if (node.op_type != "Conv" || node.inputs.size() < 2) return false;
  const Tensor* weight = find_constant(graph, node.inputs[1]);
  if (const FileNode* stored = Quantizer(graph, maker).dequantizer(node.inputs[1]))
    weight = find_constant(graph, stored->inputs[0]);
  return weight != nullptr && weight->rank() >= 3 && weight->dim(1) == 1;
}

std::optional<FusedBytes> bytes_of(const FileNode& node, const Graph& graph) {
  const bool scales = node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear";
  if (!scales || node.inputs.size() != 3) return std::nullopt;
  const Tensor *scale = find_constant(graph, node.inputs[1]),
               *zero = find_constant(graph, node.inputs[2]);
  if (scale == nullptr || scale->dtype() != DType::kFloat || scale->count() != 1 ||
      zero == nullptr || zero->count() != 1)
    return std::nullopt;
  const float value = *scale->as<float>();
  if (!(value > 0) || !std::isfinite(value)) return std::nullopt;
  FusedBytes bytes{.quantization = {.scale = value, .zero_point = 0}, .dtype = zero->dtype()};
  if (zero->dtype() == DType::kInt8)
    bytes.quantization.zero_point = *zero->as<int8_t>();
  else if (zero->dtype() == DType::kUint8)
    bytes.quantization.zero_point = *zero->as<uint8_t>();
  else
    return std::nullopt;
  return bytes;
}

void set_bytes(FileNode& node, const QuantizedNames& names, const FusedBytes& bytes) {
  add_attribute(node, names.scale, Attribute::Kind::kFloat).number = bytes.quantization.scale;
  add_attribute(node, names.zero_point, Attribute::Kind::kInt).integer =
      bytes.quantization.zero_point;
  add_attribute(node, names.dtype, Attribute::Kind::kInt).integer =
      static_cast<int64_t>(bytes.dtype);
}

FileNode quantized(const FileNode& node, const Graph& graph,
                   const std::map<std::string, size_t>& maker) {
  const bool conv = node.op_type == "Conv", gemm = node.op_type == "Gemm";
  if ((!conv && !gemm && node.op_type != "MatMul") || node.inputs.size() < 2) return node;
  if (conv && number_of(node, "group", 1) != 1) return reading_bytes(node, graph, maker);
  if (gemm && (number_of(node, "transA", 0) != 0 || has_factors(node))) return node;
  const Quantizer quantizer(graph, maker);
  const FileNode *x = quantizer.dequantizer(node.inputs[0]),
                 *weight = quantizer.dequantizer(node.inputs[1]);
  if (x == nullptr || weight == nullptr || !bytes_of(*x, graph)) return node;
  const int64_t axis = conv || number_of(node, "transB", 0) != 0 ? 0 : 1;
  if (!quantizer.is_weight(*weight, axis)) return node;
  const int64_t rank = quantizer.constant(*weight, 0)->rank();
  if (conv ? rank != 3 && rank != 4 : rank != 2) return node;
  if (gemm && node.inputs.size() > 2 && !node.inputs[2].empty()) {
    // A bias of the columns; others broadcast in more ways. Dequantized ones are of that kind.
    const Tensor* bias = quantizer.constant(node, 2);
    const FileNode* stored = quantizer.dequantizer(node.inputs[2]);
    if (stored != nullptr) bias = quantizer.constant(*stored, 0);
    if (bias == nullptr || bias->rank() != 1) return node;
  }
  FileNode joined = node;
  joined.op_type = conv ? "braid.QuantizedConv" : "braid.QuantizedLinear";
  joined.inputs.resize(4);
  joined.inputs[0] = x->inputs[0];
  joined.inputs[1] = weight->inputs[0];
  joined.inputs.insert(joined.inputs.end(), {x->inputs[1], x->inputs[2], weight->inputs[1]});
  return joined;
}

}  // namespace braid::runner
