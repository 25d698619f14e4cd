// Follows the operators of a graph.
#pragma once
#include <cstddef>
#include <vector>

#include "braid/explain/origin.h"

namespace braid::explain {

class OriginTracer {
 public:
  // input: of the graph's first input. graph: canonical, see explainable_graph.h; must outlive
  // this.
  OriginTracer(const graph::Graph& graph, OriginKind kind, const Origin& input);

  // The next operator. values: by id, what it took and gave for one image; only read for kFlow.
  void see(size_t node, const std::vector<torch::Tensor>& values);
  // Drops the origins of values that nothing reads any more.
  void forget(const std::vector<torch::Tensor>& values);

  const Origin& of(graph::ValueId id) const { return state_.origins.at(static_cast<size_t>(id)); }
  const std::vector<AttentionSite>& attention() const { return state_.attention; }
  // Whether it is a product of queries and keys, or made of one number by number.
  bool is_score(graph::ValueId id) const { return state_.scores.contains(id); }

 private:
  void follow_weights(const graph::Node& node);

  OriginState state_;
};

}  // namespace braid::explain
