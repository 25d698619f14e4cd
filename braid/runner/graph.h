// The operators of a file while they are simplified, before they are built.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "braid/runner/onnx_file.h"
#include "braid/runner/tensor.h"

namespace braid::runner {

struct Graph {
  std::vector<FileNode> nodes;              // each after those that it reads
  std::map<std::string, Tensor> constants;  // by name
  std::set<std::string> outputs;
};

// None where the value is computed.
const Tensor* find_constant(const Graph& graph, const std::string& name);
Attribute& add_attribute(FileNode& node, const char* name, Attribute::Kind kind);

// Joins operators: activations, sums and rounding to bytes with the convolution or matrix product
// before them, zeros around an image with the convolution behind them, SiLU, and products that are
// quantized. Constants and outputs keep their names; what nobody reads is left out.
void fuse(Graph& graph);
void drop_unread(Graph& graph);

}  // namespace braid::runner
