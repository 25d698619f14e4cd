#include "braid/runner/op.h"

#include <fmt/format.h>

#include <cstring>

#include "braid/core/error.h"

namespace braid::runner {
namespace {

constexpr const char* kRemedy = "export the model again with `braid export`";

const char* to_text(Attribute::Kind kind) {
  switch (kind) {
    case Attribute::Kind::kFloat:
      return "a number";
    case Attribute::Kind::kInt:
      return "a whole number";
    case Attribute::Kind::kString:
      return "a text";
    case Attribute::Kind::kTensor:
      return "a tensor";
    case Attribute::Kind::kFloats:
      return "numbers";
    case Attribute::Kind::kInts:
      return "whole numbers";
    default:
      return "nothing";
  }
}

}  // namespace

Tensor RunContext::make(DType dtype, Dims dims) const {
  const int64_t count = count_of(dims, dtype, "a tensor that is computed");
  auto bytes = pool.allocate(static_cast<uint64_t>(count) * size_of(dtype));
  return {dtype, std::move(dims), std::move(bytes)};
}

ThreadScratch RunContext::scratch(int64_t bytes_per_thread) const {
  constexpr auto kLine = static_cast<int64_t>(kAlignment), kApart = 4 * kLine;
  const int64_t step = (bytes_per_thread + kLine - 1) / kLine * kLine + kApart;
  return {pool.allocate(static_cast<uint64_t>(step) * static_cast<uint64_t>(threads.size())), step};
}

NodeView::NodeView(const FileNode& node, std::vector<const Tensor*> constants, int64_t opset,
                   std::string where)
    : node_(node), constants_(std::move(constants)), opset_(opset), where_(std::move(where)) {}

void NodeView::refuse(const std::string& expected, const std::string& got) const {
  throw DataError("runner", "expected " + expected + ", got " + got, where_, kRemedy);
}

const Attribute* NodeView::find(const std::string& name) const {
  for (const auto& attribute : node_.attributes)
    if (attribute.name == name && attribute.kind != Attribute::Kind::kNone) return &attribute;
  return nullptr;
}

const Attribute* NodeView::find(const std::string& name, Attribute::Kind kind) const {
  const auto* attribute = find(name);
  if (attribute != nullptr && attribute->kind != kind)
    refuse(fmt::format("{} as attribute {}", to_text(kind), name), to_text(attribute->kind));
  return attribute;
}

int64_t NodeView::integer(const std::string& name, int64_t otherwise) const {
  const auto* attribute = find(name, Attribute::Kind::kInt);
  return attribute == nullptr ? otherwise : attribute->integer;
}
float NodeView::number(const std::string& name, float otherwise) const {
  const auto* attribute = find(name, Attribute::Kind::kFloat);
  return attribute == nullptr ? otherwise : attribute->number;
}
std::string NodeView::text(const std::string& name, const std::string& otherwise) const {
  const auto* attribute = find(name, Attribute::Kind::kString);
  return attribute == nullptr ? otherwise : attribute->text;
}
Dims NodeView::integers(const std::string& name, const Dims& otherwise) const {
  const auto* attribute = find(name, Attribute::Kind::kInts);
  return attribute == nullptr ? otherwise : attribute->integers;
}
const StoredTensor* NodeView::tensor(const std::string& name) const {
  const auto* attribute = find(name, Attribute::Kind::kTensor);
  return attribute == nullptr ? nullptr : &attribute->tensor;
}

void NodeView::expect_counts(size_t least_inputs, size_t most_inputs, size_t outputs) const {
  if (inputs() < least_inputs || inputs() > most_inputs)
    refuse(least_inputs == most_inputs ? fmt::format("{} inputs", least_inputs)
                                       : fmt::format("{} to {} inputs", least_inputs, most_inputs),
           std::to_string(inputs()));
  for (size_t i = 0; i < least_inputs; ++i)
    if (!has_input(i)) refuse(fmt::format("an input number {}", i + 1), "none");
  if (node_.outputs.size() != outputs)
    refuse(fmt::format("{} outputs", outputs), std::to_string(node_.outputs.size()));
}

void Op::refuse(const std::string& expected, const std::string& got) const {
  throw DataError("runner", "expected " + expected + ", got " + got, where_);
}

void Op::expect_dtype(const Tensor& tensor, DType dtype) const {
  if (tensor.dtype() != dtype) refuse(to_string(dtype), to_string(tensor.dtype()));
}

int64_t Op::axis_of(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    refuse(fmt::format("an axis of {} dimensions", rank), std::to_string(axis));
  return axis < 0 ? axis + rank : axis;
}

Dims Op::numbers_of(const Tensor& tensor) const {
  constexpr int64_t kMost = 4096;
  if (tensor.count() > kMost || tensor.rank() > 1)
    refuse("a short row of whole numbers", to_string(tensor.dims()));
  Dims numbers;
  for (int64_t i = 0; i < tensor.count(); ++i)
    if (tensor.dtype() == DType::kInt64)
      numbers.push_back(tensor.as<int64_t>()[i]);
    else if (tensor.dtype() == DType::kInt32)
      numbers.push_back(tensor.as<int32_t>()[i]);
    else
      refuse("int64 numbers", to_string(tensor.dtype()));
  return numbers;
}

const OpTable& op_table() {
  static const OpTable table = [] {
    OpTable t;
    add_elementwise_ops(t);
    add_function_ops(t);
    add_convolution_ops(t);
    add_product_ops(t);
    add_pooling_ops(t);
    add_norm_ops(t);
    add_reduction_ops(t);
    add_shape_ops(t);
    add_movement_ops(t);
    add_gather_ops(t);
    add_resize_ops(t);
    add_quantization_ops(t);
    add_quantized_ops(t);
    return t;
  }();
  return table;
}

}  // namespace braid::runner
