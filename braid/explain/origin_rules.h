// How operators move origins: one rule per operator, in tables by family.
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/explain/origin.h"

namespace braid::explain {

// One operator while it is followed.
struct OriginStep {
  OriginState& state;
  size_t position;
  const graph::Node& node;
  const std::vector<torch::Tensor>& values;

  bool is_place() const { return state.kind == OriginKind::kPlace; }
  bool is_constant(graph::ValueId id) const { return state.graph.is_constant(id); }
  const torch::Tensor& constant(graph::ValueId id) const { return state.graph.at(id).constant; }
  const Origin& of(graph::ValueId id) const;
  const Origin& of(std::string_view argument) const { return of(node.value(argument)); }
  // For one image.
  std::vector<int64_t> shape(graph::ValueId id) const;
  std::vector<int64_t> shape(std::string_view argument) const {
    return shape(node.value(argument));
  }
  std::vector<int64_t> output_shape(size_t k = 0) const { return shape(node.outputs.at(k)); }
  void give(const Origin& origin, size_t k = 0) const;

  // An integer argument for one image; `otherwise` for None.
  int64_t integer(std::string_view argument, int64_t otherwise) const;
  std::vector<int64_t> integers(std::string_view argument) const;

  // The last dimension of what sums to 1, else -1.
  int64_t normalized(graph::ValueId id) const;
  void add_scores(const Origin& queries, const Origin& keys) const;
  void add_attention(const Origin& queries, const Origin& keys) const;
  // Of products that were recorded for these weights; false: it is no attention of tokens.
  bool add_attention_of(graph::ValueId weights) const;
};

using OriginRule = void (*)(const OriginStep& step);
using OriginRules = std::unordered_map<std::string_view, OriginRule>;
const OriginRules& layout_rules();  // what only moves numbers
const OriginRules& window_rules();  // convolutions, pooling, resizing
const OriginRules& mixing_rules();  // products, attention, reductions

// Number by number, with broadcasting: for every operator without a rule whose shapes say so.
void elementwise_rule(const OriginStep& step);

// All tensors that a node takes, one after the other.
std::vector<graph::ValueId> tensors_read(const graph::Node& node);
// dim counted from 0, in an origin one more.
int64_t from_front(int64_t dim, size_t rank);
// Whether the origin varies along a dimension of the value, or the value has one number there.
bool varies(const Origin& origin, const std::vector<int64_t>& shape, int64_t dim);
// The dimensions of size 1 that are wanted at their true size, repeated.
Origin widen(const Origin& origin, int64_t dim, int64_t size);
// The mean along a dimension, which stays with size 1.
Origin mean_along(const Origin& origin, int64_t dim);
// With dimensions of size 1 in front, for a value of so many dimensions.
Origin with_rank(const Origin& origin, size_t rank);

}  // namespace braid::explain
