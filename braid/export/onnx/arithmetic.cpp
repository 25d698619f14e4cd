#include "braid/export/onnx/emitter.h"

#include <string_view>

namespace braid::onnx {
namespace {

using Kind = graph::Argument::Kind;

// A tensor, or a number as a scalar of this type.
std::string operand(Emitter& e, const Node& node, const char* argument, torch::ScalarType dtype) {
  const auto& a = node.argument(argument);
  if (a.kind == Kind::kValue) return e.name_as(a.values.at(0), dtype);
  return e.scalar(node.number(argument), dtype);
}

// The type in which LibTorch computes: that of the result.
torch::ScalarType result_type(Emitter& e, const Node& node) {
  return e.dtype_of(node.outputs.at(0));
}

std::string scaled(Emitter& e, const Node& node, const char* argument, torch::ScalarType dtype) {
  auto x = operand(e, node, argument, dtype);
  if (node.number("alpha") == 1) return x;
  return e.add("Mul", {x, e.scalar(node.number("alpha"), dtype)});
}

void add_of(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  if (dtype == torch::kBool && node.number("alpha") != 1)
    e.refuse("a sum of booleans without a factor", "one with alpha");
  e.emit(node, dtype == torch::kBool ? "Or" : "Add",
         {operand(e, node, "self", dtype), scaled(e, node, "other", dtype)});
}
void subtract(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Sub", {operand(e, node, "self", dtype), scaled(e, node, "other", dtype)});
}
void subtract_from(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Sub", {operand(e, node, "other", dtype), scaled(e, node, "self", dtype)});
}

// of_booleans: what ONNX has for them, where that is another operator.
void binary(Emitter& e, const Node& node, const char* op_type, const char* of_booleans = nullptr) {
  const auto dtype = result_type(e, node);
  if (dtype == torch::kBool && of_booleans != nullptr) op_type = of_booleans;
  e.emit(node, op_type, {operand(e, node, "self", dtype), operand(e, node, "other", dtype)});
}
void multiply(Emitter& e, const Node& node) { binary(e, node, "Mul", "And"); }
void maximum(Emitter& e, const Node& node) { binary(e, node, "Max", "Or"); }
void minimum(Emitter& e, const Node& node) { binary(e, node, "Min", "And"); }

void divide(Emitter& e, const Node& node) {
  if (node.has("rounding_mode") && !node.is_none("rounding_mode"))
    e.refuse("a division that does not round", "one that does");
  binary(e, node, "Div");
}

void power(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Pow", {operand(e, node, "self", dtype), operand(e, node, "exponent", dtype)});
}

// What stands for a value where LibTorch's rules of types are asked: they look at its dimensions
// too, and at whether it was a number once.
torch::Tensor stand_in(Emitter& e, ValueId id) {
  const auto& value = e.graph().at(id);
  if (value.constant.defined()) return value.constant;
  return torch::empty(std::vector<int64_t>(value.shape.size(), 1), value.dtype);
}

// The type in which LibTorch compares.
torch::ScalarType compared_type(Emitter& e, const Node& node) {
  const auto self = stand_in(e, node.value("self"));
  const auto& other = node.argument("other");
  if (other.kind == Kind::kValue) return at::result_type(self, stand_in(e, other.values.at(0)));
  if (other.kind == Kind::kInt) return at::result_type(self, at::Scalar(node.integer("other")));
  return at::result_type(self, other.other.toScalar());
}

// Of booleans ONNX knows which are equal, not which are less.
std::string compared(Emitter& e, const Node& node, const char* op_type) {
  auto dtype = compared_type(e, node);
  if (dtype == torch::kBool && op_type != std::string_view("Equal")) dtype = torch::kInt;
  return e.add(op_type, {operand(e, node, "self", dtype), operand(e, node, "other", dtype)});
}

void compare(Emitter& e, const Node& node, const char* op_type) {
  e.set(node.outputs.at(0), compared(e, node, op_type));
}
void greater(Emitter& e, const Node& node) { compare(e, node, "Greater"); }
void greater_equal(Emitter& e, const Node& node) { compare(e, node, "GreaterOrEqual"); }
void less(Emitter& e, const Node& node) { compare(e, node, "Less"); }
void less_equal(Emitter& e, const Node& node) { compare(e, node, "LessOrEqual"); }
void equal_to(Emitter& e, const Node& node) { compare(e, node, "Equal"); }
void not_equal(Emitter& e, const Node& node) { e.emit(node, "Not", {compared(e, node, "Equal")}); }

void combine(Emitter& e, const Node& node, const char* op_type) {
  e.emit(node, op_type,
         {operand(e, node, "self", torch::kBool), operand(e, node, "other", torch::kBool)});
}
void logical_and(Emitter& e, const Node& node) { combine(e, node, "And"); }
void logical_or(Emitter& e, const Node& node) { combine(e, node, "Or"); }

void choose(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Where",
         {e.name_as(node.value("condition"), torch::kBool), operand(e, node, "self", dtype),
          operand(e, node, "other", dtype)});
}

void fill_where(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Where",
         {e.name_as(node.value("mask"), torch::kBool), operand(e, node, "value", dtype),
          operand(e, node, "self", dtype)});
}

void convert(Emitter& e, const Node& node) {
  e.set(node.outputs.at(0), e.name_as(node.arguments.at(0).values.at(0), result_type(e, node)));
}

}  // namespace

void add_arithmetic(EmitTable& table) {
  table.insert({{"aten::_to_copy", convert},
                {"aten::add", add_of},
                {"aten::div", divide},
                {"aten::eq", equal_to},
                {"aten::ge", greater_equal},
                {"aten::gt", greater},
                {"aten::le", less_equal},
                {"aten::logical_and", logical_and},
                {"aten::logical_or", logical_or},
                {"aten::lt", less},
                {"aten::ne", not_equal},
                {"aten::masked_fill", fill_where},
                {"aten::maximum", maximum},
                {"aten::minimum", minimum},
                {"aten::mul", multiply},
                {"aten::pow", power},
                {"aten::rsub", subtract_from},
                {"aten::sub", subtract},
                {"aten::to", convert},
                {"aten::type_as", convert},
                {"aten::where", choose}});
}

}  // namespace braid::onnx
