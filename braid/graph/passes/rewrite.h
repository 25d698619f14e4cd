// What the passes share.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::graph {

// Who makes and who reads each value; as the graph was when this was made.
class Uses {
 public:
  explicit Uses(const Graph& graph);
  // Reads by nodes and as an output of the graph.
  int64_t reads(ValueId id) const { return reads_.at(static_cast<size_t>(id)); }
  // The position of the node that makes it; -1 for inputs and constants.
  int64_t producer(ValueId id) const { return producer_.at(static_cast<size_t>(id)); }
  // The position of the node that alone reads it; -1 where it is an output, or there are others.
  int64_t sole_reader(ValueId id) const {
    return reads(id) == 1 ? reader_.at(static_cast<size_t>(id)) : -1;
  }
  // The node that makes it where nothing else reads the value, and it is of this name; else null.
  Node* sole_producer(Graph& graph, ValueId id, std::string_view name) const;

 private:
  std::vector<int64_t> reads_, producer_, reader_;
};

// Everything that reads `from` reads `to` instead; an output's name goes with it.
void replace_value(Graph& graph, ValueId from, ValueId to);
bool is_output(const Graph& graph, ValueId id);
bool is_input(const Graph& graph, ValueId id);
// Drops the nodes whose outputs nobody reads, and the constants.
void remove_unused(Graph& graph);

Node make_reshape(ValueId input, const Shape& shape, ValueId output, const std::string& module);
Node make_permute(ValueId input, const std::vector<int64_t>& dims, ValueId output,
                  const std::string& module);
Node make_linear(ValueId input, ValueId weight, ValueId bias, ValueId output,
                 const std::string& module);

}  // namespace braid::graph
