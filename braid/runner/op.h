// What an operator is to the interpreter, and what it gets.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "braid/runner/kernels/kernels.h"
#include "braid/runner/onnx_file.h"
#include "braid/runner/tensor.h"
#include "braid/runner/thread_pool.h"

namespace braid::runner {

// Memory that each thread has for itself: so far apart that no processor, which fetches lines
// beyond those that it was asked for, takes another's.
class ThreadScratch {
 public:
  ThreadScratch(std::shared_ptr<std::byte> bytes, int64_t step)
      : bytes_(std::move(bytes)), step_(step) {}
  std::byte* of(int thread) const { return bytes_.get() + thread * step_; }  // kAlignment's
  float* floats_of(int thread) const { return reinterpret_cast<float*>(of(thread)); }

 private:
  std::shared_ptr<std::byte> bytes_;
  int64_t step_;
};

struct RunContext {
  ThreadPool& threads;
  BufferPool& pool;
  const Kernels& kernels;

  // Uninitialized. Throws DataError where it does not fit.
  Tensor make(DType dtype, Dims dims) const;
  // For each thread so many bytes.
  ThreadScratch scratch(int64_t bytes_per_thread) const;
};

// The values that an operator reads.
class Inputs {
 public:
  void add(const Tensor* tensor, bool is_last) { items_.push_back({tensor, is_last}); }
  size_t size() const { return items_.size(); }
  bool has(size_t i) const { return i < items_.size() && items_[i].tensor != nullptr; }
  const Tensor& at(size_t i) const { return *items_[i].tensor; }
  // Whether nobody reads it afterwards, so that its memory can become the output's.
  bool is_free(size_t i) const { return items_[i].is_last && items_[i].tensor->is_sole(); }

 private:
  struct Item {
    const Tensor* tensor;
    bool is_last;
  };
  std::vector<Item> items_;
};

// An operator of the file while it is built: its attributes, its constant inputs.
class NodeView {
 public:
  NodeView(const FileNode& node, std::vector<const Tensor*> constants, int64_t opset,
           std::string where);

  const FileNode& node() const { return node_; }
  int64_t opset() const { return opset_; }
  const std::string& where() const { return where_; }
  size_t inputs() const { return node_.inputs.size(); }
  bool has_input(size_t i) const { return i < inputs() && !node_.inputs[i].empty(); }
  const Tensor* constant(size_t i) const { return i < constants_.size() ? constants_[i] : nullptr; }

  // Attributes; DataError where the file has one of another kind.
  bool has(const std::string& name) const { return find(name) != nullptr; }
  int64_t integer(const std::string& name, int64_t otherwise) const;
  float number(const std::string& name, float otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  Dims integers(const std::string& name, const Dims& otherwise) const;
  const StoredTensor* tensor(const std::string& name) const;

  // Throws DataError naming the operator.
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const;
  // Throws unless the operator has so many inputs and outputs.
  void expect_counts(size_t least_inputs, size_t most_inputs, size_t outputs = 1) const;

 private:
  const Attribute* find(const std::string& name) const;
  const Attribute* find(const std::string& name, Attribute::Kind kind) const;

  const FileNode& node_;
  std::vector<const Tensor*> constants_;
  int64_t opset_;
  std::string where_;
};

class Op {
 public:
  explicit Op(const NodeView& node) : where_(node.where()) {}
  virtual ~Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  virtual std::vector<Tensor> run(const RunContext& context, const Inputs& in) = 0;
  // Whether it has taken of this input, a constant, what it needs, so that it gets it no more: what
  // it packs need not stay beside it.
  virtual bool keeps(size_t /*input*/) const { return false; }
  // Gives up what takes memory to be faster, from now on. Whether it had not done so before.
  virtual bool give_back() { return false; }

 protected:
  // Throws DataError naming the operator.
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const;
  void expect(bool holds, const char* expected, const std::string& got) const {
    if (!holds) refuse(expected, got);
  }
  void expect_dtype(const Tensor& tensor, DType dtype) const;
  // The axis from 0 on; negative ones count from the end.
  int64_t axis_of(int64_t axis, int64_t rank) const;
  // Whole numbers that an input gives, such as sizes or axes.
  Dims numbers_of(const Tensor& tensor) const;
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

using OpPtr = std::unique_ptr<Op>;
using MakeOp = OpPtr (*)(const NodeView& node);
using OpTable = std::map<std::string, MakeOp>;

template <class T>
OpPtr make_op(const NodeView& node) {
  return std::make_unique<T>(node);
}

// The families of operators.
void add_elementwise_ops(OpTable& table);
void add_function_ops(OpTable& table);
void add_convolution_ops(OpTable& table);
void add_product_ops(OpTable& table);
void add_pooling_ops(OpTable& table);
void add_norm_ops(OpTable& table);
void add_reduction_ops(OpTable& table);
void add_shape_ops(OpTable& table);
void add_movement_ops(OpTable& table);
void add_gather_ops(OpTable& table);
void add_resize_ops(OpTable& table);
void add_quantization_ops(OpTable& table);
void add_quantized_ops(OpTable& table);

// All operators, by ONNX's name and those that fusions make.
const OpTable& op_table();

}  // namespace braid::runner
