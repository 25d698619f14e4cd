// A captured model: operators of ATen in the order in which they run, as values without aliases.
// Every operator gives new values, those in place too.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/torch.h"

namespace braid::graph {

// What is free in a graph: the batch N, of texts the tokens L of a row, and of a decoder the tokens
// M of a row of its memory, which is the text that the encoder read.
struct Sizes {
  // NOLINTNEXTLINE: images have a batch only
  Sizes(int64_t n, int64_t l = 0, int64_t m = 0) : batch(n), length(l), memory(m) {}
  int64_t batch;
  int64_t length;
  int64_t memory;
};

// An integer that follows them: scale * N + offset + length * L + area * N * L + square * L * L
// + memory * M + memory_area * N * M + memory_length * L * M.
struct Extent {
  int64_t scale = 0;
  int64_t offset = 0;
  int64_t length = 0;
  int64_t area = 0;
  int64_t square = 0;
  int64_t memory = 0;
  int64_t memory_area = 0;
  int64_t memory_length = 0;
  bool is_constant() const { return *this == Extent{.offset = offset}; }
  int64_t at(Sizes sizes) const {
    return scale * sizes.batch + offset +
           (length + area * sizes.batch + square * sizes.length) * sizes.length +
           (memory + memory_area * sizes.batch + memory_length * sizes.length) * sizes.memory;
  }
  bool operator==(const Extent&) const = default;
};
Extent operator+(const Extent& a, const Extent& b);
using Shape = std::vector<Extent>;

using ValueId = int64_t;  // an index into Graph::values
inline constexpr ValueId kNoValue = -1;

struct Value {
  torch::ScalarType dtype = torch::kFloat;
  Shape shape;
  torch::Tensor constant;  // undefined: depends on the inputs or on their sizes
  // Of an input, an output, or the parameter or buffer that a constant is or is computed from.
  std::string name;
  bool learned = false;  // from a parameter
};

// What an operator is called with, in the order of its schema.
struct Argument {
  enum class Kind {
    kValue,   // a tensor
    kValues,  // a list of tensors, some of which may be none (kNoValue)
    kInt,     // an integer
    kInts,    // a list of integers
    kOther,   // anything else: None, numbers, booleans, words
  };
  Kind kind = Kind::kOther;
  std::vector<ValueId> values{};
  std::vector<Extent> ints{};
  c10::IValue other{};
};

Argument value_argument(ValueId value);
Argument int_argument(int64_t number);
Argument int_argument(const Extent& number);
Argument ints_argument(Shape numbers);
Argument other_argument(c10::IValue value);
// None where `value` is kNoValue.
Argument optional_argument(ValueId value);

struct Node {
  c10::OperatorHandle op;
  std::vector<Argument> arguments;
  std::vector<ValueId> outputs;
  // The module that calls it: of the parameter that it uses; else what the operators with
  // parameters before and after it have in common. May be empty.
  std::string module;

  const std::string& name() const { return op.operator_name().name; }  // such as "aten::conv2d"
  // By the schema's name. Throws InternalError where the operator has no such argument.
  const Argument& argument(std::string_view argument) const;
  Argument& argument(std::string_view argument);
  // A tensor, or kNoValue for None.
  ValueId value(std::string_view argument) const;
  // An integer that follows nothing; throws InternalError otherwise.
  int64_t integer(std::string_view argument) const;
  std::vector<int64_t> integers(std::string_view argument) const;
  bool flag(std::string_view argument) const;
  double number(std::string_view argument) const;
  bool is_none(std::string_view argument) const;
  bool has(std::string_view argument) const;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;  // each after those whose outputs it takes
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  const Value& at(ValueId id) const { return values.at(static_cast<size_t>(id)); }
  Value& at(ValueId id) { return values.at(static_cast<size_t>(id)); }
  bool is_constant(ValueId id) const { return id != kNoValue && at(id).constant.defined(); }
  ValueId add_constant(const torch::Tensor& tensor, const std::string& name = "");
};

// The operator, such as ("aten::linear", ""). Throws InternalError where this LibTorch has none.
c10::OperatorHandle find_operator(const std::string& name, const std::string& overload = "");

// "3", "N", "2N", "2N+1", "L", "NL", "M".
std::string to_text(const Extent& extent);
// "Nx3x224x224".
std::string to_text(const Shape& shape);
// Names and shapes: "input_ids NxL, attention_mask NxL". What each layer has is named once:
// "present.{0..3}.decoder.key Nx4xLx32".
std::string to_text(const Graph& graph, const std::vector<ValueId>& values);
Shape constant_shape(at::IntArrayRef sizes);
std::vector<int64_t> shape_at(const Shape& shape, Sizes sizes);

}  // namespace braid::graph
