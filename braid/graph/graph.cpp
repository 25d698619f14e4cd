#include "braid/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"

namespace braid::graph {
namespace {

size_t position_of(const Node& node, std::string_view argument) {
  const auto& arguments = node.op.schema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].name() == argument) return i;
  throw InternalError("graph", fmt::format("expected an argument '{}', got none", argument),
                      node.name());
}

[[noreturn]] void fail_kind(const Node& node, std::string_view argument, const char* wanted) {
  throw InternalError("graph", fmt::format("expected {} as '{}'", wanted, argument), node.name());
}

int64_t constant_of(const Node& node, std::string_view argument, const Extent& extent) {
  if (!extent.is_constant()) fail_kind(node, argument, "integers that follow no input's size");
  return extent.offset;
}

}  // namespace

Extent operator+(const Extent& a, const Extent& b) {
  return {.scale = a.scale + b.scale,
          .offset = a.offset + b.offset,
          .length = a.length + b.length,
          .area = a.area + b.area,
          .square = a.square + b.square,
          .memory = a.memory + b.memory,
          .memory_area = a.memory_area + b.memory_area,
          .memory_length = a.memory_length + b.memory_length};
}

Argument value_argument(ValueId value) {
  return {.kind = Argument::Kind::kValue, .values = {value}};
}
Argument int_argument(int64_t number) { return int_argument(Extent{.offset = number}); }
Argument int_argument(const Extent& number) {
  return {.kind = Argument::Kind::kInt, .ints = {number}};
}
Argument ints_argument(Shape numbers) {
  return {.kind = Argument::Kind::kInts, .ints = std::move(numbers)};
}
Argument other_argument(c10::IValue value) { return {.other = std::move(value)}; }
Argument optional_argument(ValueId value) {
  return value == kNoValue ? other_argument(c10::IValue()) : value_argument(value);
}

const Argument& Node::argument(std::string_view argument) const {
  return arguments.at(position_of(*this, argument));
}
Argument& Node::argument(std::string_view argument) {
  return arguments.at(position_of(*this, argument));
}

bool Node::has(std::string_view argument) const {
  const auto& all = op.schema().arguments();
  return std::any_of(all.begin(), all.end(), [&](const auto& a) { return a.name() == argument; });
}

bool Node::is_none(std::string_view name) const {
  const auto& a = argument(name);
  return a.kind == Argument::Kind::kOther && a.other.isNone();
}

ValueId Node::value(std::string_view name) const {
  if (is_none(name)) return kNoValue;
  const auto& a = argument(name);
  if (a.kind != Argument::Kind::kValue) fail_kind(*this, name, "a tensor");
  return a.values.at(0);
}

int64_t Node::integer(std::string_view name) const {
  const auto& a = argument(name);
  if (a.kind == Argument::Kind::kInt) return constant_of(*this, name, a.ints.at(0));
  fail_kind(*this, name, "an integer");
}

std::vector<int64_t> Node::integers(std::string_view name) const {
  const auto& a = argument(name);
  if (a.kind != Argument::Kind::kInts && a.kind != Argument::Kind::kInt)
    fail_kind(*this, name, "integers");
  std::vector<int64_t> numbers;
  for (const auto& extent : a.ints) numbers.push_back(constant_of(*this, name, extent));
  return numbers;
}

bool Node::flag(std::string_view name) const {
  const auto& a = argument(name);
  if (a.kind != Argument::Kind::kOther || !a.other.isBool()) fail_kind(*this, name, "a boolean");
  return a.other.toBool();
}

double Node::number(std::string_view name) const {
  const auto& a = argument(name);
  if (a.kind == Argument::Kind::kInt) return static_cast<double>(integer(name));
  if (a.other.isBool()) return a.other.toBool() ? 1 : 0;
  if (!a.other.isDouble()) fail_kind(*this, name, "a number");
  return a.other.toDouble();
}

ValueId Graph::add_constant(const torch::Tensor& tensor, const std::string& name) {
  values.push_back({.dtype = tensor.scalar_type(),
                    .shape = constant_shape(tensor.sizes()),
                    .constant = tensor,
                    .name = name});
  return static_cast<ValueId>(values.size()) - 1;
}

c10::OperatorHandle find_operator(const std::string& name, const std::string& overload) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found)
    throw InternalError(
        "graph",
        fmt::format("expected an operator {}.{}, got none in this LibTorch", name, overload));
  return *found;
}

std::string to_text(const Extent& extent) {
  std::string text;
  for (const auto& [factor, of] :
       {std::pair(extent.area, "NL"), std::pair(extent.square, "LL"),
        std::pair(extent.memory_area, "NM"), std::pair(extent.memory_length, "LM"),
        std::pair(extent.scale, "N"), std::pair(extent.length, "L"),
        std::pair(extent.memory, "M")}) {
    if (factor == 0) continue;
    const auto number = factor == 1 ? "" : factor == -1 ? "-" : std::to_string(factor);
    text += (text.empty() || factor < 0 ? "" : "+") + number + of;
  }
  if (text.empty()) return std::to_string(extent.offset);
  return extent.offset == 0 ? text : fmt::format("{}{:+}", text, extent.offset);
}

std::string to_text(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const auto& extent : shape) text += (text.empty() ? "" : "x") + to_text(extent);
  return text;
}

namespace {

// Values whose names differ in one number, that of their layer.
struct OfLayers {
  std::string before, after, shape;
  std::string first, last;  // layer
};

// The number that stands between two dots, where there is one.
OfLayers parts_of(const std::string& name, std::string shape) {
  const auto begin = name.find('.'), end = name.find('.', begin + 1);
  const auto number = name.substr(begin + 1, end - begin - 1);
  const bool is_number = end != std::string::npos && !number.empty() &&
                         number.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) return {name, "", std::move(shape), "", ""};
  return {name.substr(0, begin + 1), name.substr(end), std::move(shape), number, number};
}

std::string to_text(const OfLayers& of) {
  if (of.after.empty()) return of.before + " " + of.shape;
  const auto layers = of.first == of.last ? of.first : fmt::format("{{{}..{}}}", of.first, of.last);
  return of.before + layers + of.after + " " + of.shape;
}

}  // namespace

std::string to_text(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<OfLayers> all;
  for (const ValueId id : values) {
    auto parts = parts_of(graph.at(id).name, to_text(graph.at(id).shape));
    const auto same = std::find_if(all.begin(), all.end(), [&](const OfLayers& other) {
      return !parts.after.empty() && other.before == parts.before && other.after == parts.after &&
             other.shape == parts.shape;
    });
    if (same == all.end())
      all.push_back(std::move(parts));
    else
      same->last = parts.last;
  }
  std::string text;
  for (const auto& of : all) text += (text.empty() ? "" : ", ") + to_text(of);
  return text;
}

Shape constant_shape(at::IntArrayRef sizes) {
  Shape shape;
  for (const int64_t size : sizes) shape.push_back({.offset = size});
  return shape;
}

std::vector<int64_t> shape_at(const Shape& shape, Sizes sizes_of_run) {
  std::vector<int64_t> sizes;
  for (const auto& extent : shape) sizes.push_back(extent.at(sizes_of_run));
  return sizes;
}

}  // namespace braid::graph
