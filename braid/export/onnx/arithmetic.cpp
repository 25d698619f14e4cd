#include "braid/export/onnx/emitter.h"

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
  e.emit(node, "Add", {operand(e, node, "self", dtype), scaled(e, node, "other", dtype)});
}
void subtract(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Sub", {operand(e, node, "self", dtype), scaled(e, node, "other", dtype)});
}
void subtract_from(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Sub", {operand(e, node, "other", dtype), scaled(e, node, "self", dtype)});
}

void binary(Emitter& e, const Node& node, const char* op_type) {
  const auto dtype = result_type(e, node);
  e.emit(node, op_type, {operand(e, node, "self", dtype), operand(e, node, "other", dtype)});
}
void multiply(Emitter& e, const Node& node) { binary(e, node, "Mul"); }
void maximum(Emitter& e, const Node& node) { binary(e, node, "Max"); }
void minimum(Emitter& e, const Node& node) { binary(e, node, "Min"); }

void divide(Emitter& e, const Node& node) {
  if (node.has("rounding_mode") && !node.is_none("rounding_mode"))
    e.refuse("a division that does not round", "one that does");
  binary(e, node, "Div");
}

void power(Emitter& e, const Node& node) {
  const auto dtype = result_type(e, node);
  e.emit(node, "Pow", {operand(e, node, "self", dtype), operand(e, node, "exponent", dtype)});
}

void compare(Emitter& e, const Node& node, const char* op_type) {
  const auto dtype = e.dtype_of(node.value("self"));
  e.emit(node, op_type, {operand(e, node, "self", dtype), operand(e, node, "other", dtype)});
}
void greater(Emitter& e, const Node& node) { compare(e, node, "Greater"); }
void greater_equal(Emitter& e, const Node& node) { compare(e, node, "GreaterOrEqual"); }
void less(Emitter& e, const Node& node) { compare(e, node, "Less"); }
void less_equal(Emitter& e, const Node& node) { compare(e, node, "LessOrEqual"); }
void equal_to(Emitter& e, const Node& node) { compare(e, node, "Equal"); }
void not_equal(Emitter& e, const Node& node) {
  const auto dtype = e.dtype_of(node.value("self"));
  const auto equal =
      e.add("Equal", {operand(e, node, "self", dtype), operand(e, node, "other", dtype)});
  e.emit(node, "Not", {equal});
}
void logical_and(Emitter& e, const Node& node) { compare(e, node, "And"); }
void logical_or(Emitter& e, const Node& node) { compare(e, node, "Or"); }

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
