// What the translations of single operators work with.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "braid/export/onnx/proto.h"
#include "braid/graph/graph.h"

namespace braid::onnx {

using graph::Extent;
using graph::Node;
using graph::Shape;
using graph::ValueId;

// Throws DataError for a type that ONNX has no name for.
DataType data_type(torch::ScalarType dtype);

// Builds an ONNX graph operator by operator. Tensors of it are known by their names.
class Emitter {
 public:
  // model: where nodes and initializers go, with the graph's inputs or one that stands for them,
  // whose first dimension is the batch.
  Emitter(const graph::Graph& graph, ModelProto& model);

  const graph::Graph& graph() const { return graph_; }
  const Shape& shape_of(ValueId id) const { return graph_.at(id).shape; }
  int64_t rank_of(ValueId id) const { return static_cast<int64_t>(shape_of(id).size()); }
  // A dimension that must not follow the input; negative counts from the end.
  int64_t size_of(ValueId id, int64_t dim) const;
  torch::ScalarType dtype_of(ValueId id) const { return graph_.at(id).dtype; }

  // The operator that is being translated, which names what is added.
  void begin(const Node& node) { node_ = &node; }

  // The name of a value; a constant becomes an initializer when it is first asked for.
  std::string name(ValueId id);
  // Whether that was asked for before, or set.
  bool has_name(ValueId id) const { return names_.contains(id); }
  std::string name_as(ValueId id, torch::ScalarType dtype);  // cast where it is of another type
  void set(ValueId id, const std::string& name) { names_[id] = name; }

  // Adds a node; returns the names of its outputs.
  std::vector<std::string> add_many(const std::string& op_type, std::vector<std::string> inputs,
                                    size_t outputs, Attributes attributes = {});
  std::string add(const std::string& op_type, std::vector<std::string> inputs,
                  Attributes attributes = {});
  // The same, as the translation of the node's only output.
  void emit(const Node& node, const std::string& op_type, std::vector<std::string> inputs,
            Attributes attributes = {});

  // What several operators need: made where it is first asked for.
  std::string once(const std::string& key, const std::function<std::string()>& make);

  std::string constant(const torch::Tensor& tensor, const std::string& name = "");
  // Whole numbers from -8 to 7, two in a byte.
  std::string int4_constant(const torch::Tensor& tensor, const std::string& name = "");
  std::string integers(const std::vector<int64_t>& numbers);  // 1-D int64
  std::string scalar(double number, torch::ScalarType dtype = torch::kFloat);
  // A shape as a 1-D int64 tensor, computed where it follows the batch.
  std::string extents(const Shape& shape);
  // Reshape; dimensions may follow the input's.
  std::string reshape(const std::string& tensor, const Shape& shape);

  // Throws DataError: the operator is known, this use of it is not.
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const;

 private:
  std::string unique(const std::string& name);
  // The initializer's name, which is this one where there is one, or near it.
  std::string store(Initializer initializer, const std::string& name);
  // [1] int64, of the input that has a dimension of this extent.
  std::string size_of_input(const graph::Extent& extent);
  std::string extent(const graph::Extent& extent);  // [1] int64

  const graph::Graph& graph_;
  ModelProto& model_;
  const Node* node_ = nullptr;
  std::map<ValueId, std::string> names_;
  std::map<std::string, std::string> shared_;  // small constants by their contents
  std::map<std::string, std::string> made_;    // by what was asked for once
  std::unordered_set<std::string> taken_;
};

using Emit = void (*)(Emitter& emitter, const Node& node);
// By the operator's name, without its overload.
using EmitTable = std::map<std::string, Emit>;

// Whether the node's constant is stored in 4 bits: quantization to -8 to 7 or less.
bool is_stored_as_int4(const graph::Graph& graph, const Node& node);

// The families of operators.
void add_activations(EmitTable& table);
void add_arithmetic(EmitTable& table);
void add_attention(EmitTable& table);
void add_convolutions(EmitTable& table);
void add_indexing(EmitTable& table);
void add_norms(EmitTable& table);
void add_poolings(EmitTable& table);
void add_products(EmitTable& table);
void add_quantization(EmitTable& table);
void add_reductions(EmitTable& table);
void add_resizing(EmitTable& table);
void add_shapes(EmitTable& table);
void add_splits(EmitTable& table);

}  // namespace braid::onnx
