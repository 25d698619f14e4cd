// A graph for people to read.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/graph/graph.h"

namespace braid::graph {

// All calls of one operator.
struct OperatorRow {
  std::string name;  // such as "conv2d"
  int64_t calls = 0;
  std::string largest;  // the shape of its largest output
  int64_t params = 0;   // each parameter where it is first used
  int64_t macs = 0;     // multiply-accumulates of one example
  void visit(FieldVisitor& v);
};

// One call.
struct NodeRow {
  std::string name, module;
  std::vector<std::string> inputs, outputs;  // shapes of what follows the input
  int64_t params = 0, macs = 0;
  void visit(FieldVisitor& v);
};

// Most multiply-accumulates first, then most calls.
std::vector<OperatorRow> operator_rows(const Graph& graph);
std::vector<NodeRow> node_rows(const Graph& graph);
// Graphviz: `dot -Tsvg`.
std::string to_dot(const Graph& graph, const std::string& title);

}  // namespace braid::graph
