#include "braid/explain/origin_rules.h"

#include <algorithm>
#include <array>

namespace braid::explain {
namespace {

using graph::kNoValue;
using graph::ValueId;

// What scales one operand by another: a gate that is smaller than what passes it moves nothing.
constexpr std::array<std::string_view, 2> kProducts = {"aten::mul", "aten::div"};

bool broadcasts_to(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  if (from.size() > to.size()) return false;
  for (size_t i = 1; i <= from.size(); ++i)
    if (from[from.size() - i] != 1 && from[from.size() - i] != to[to.size() - i]) return false;
  return true;
}

}  // namespace

std::vector<ValueId> tensors_read(const graph::Node& node) {
  std::vector<ValueId> ids;
  for (const auto& argument : node.arguments)
    for (const ValueId id : argument.values)
      if (id != kNoValue) ids.push_back(id);
  return ids;
}

int64_t from_front(int64_t dim, size_t rank) {
  return dim < 0 ? dim + static_cast<int64_t>(rank) : dim;
}

bool varies(const Origin& origin, const std::vector<int64_t>& shape, int64_t dim) {
  return origin.size(dim + 1) == shape.at(static_cast<size_t>(dim));
}

Origin widen(const Origin& origin, int64_t dim, int64_t size) {
  if (origin.size(dim + 1) == size) return origin;
  auto sizes = origin.sizes().vec();
  sizes.at(static_cast<size_t>(dim) + 1) = size;
  return origin.expand(sizes);
}

Origin mean_along(const Origin& origin, int64_t dim) {
  return origin.size(dim + 1) == 1 ? origin : origin.mean(dim + 1, /*keepdim=*/true);
}

Origin with_rank(const Origin& origin, size_t rank) {
  if (origin.dim() >= static_cast<int64_t>(rank) + 1) return origin;
  auto sizes = origin.sizes().vec();
  sizes.insert(sizes.begin() + 1, rank + 1 - sizes.size(), 1);
  return origin.reshape(sizes);
}

const Origin& OriginStep::of(ValueId id) const {
  static const Origin none;
  return id == kNoValue ? none : state.origins.at(static_cast<size_t>(id));
}

std::vector<int64_t> OriginStep::shape(ValueId id) const {
  return graph::shape_at(state.graph.at(id).shape, 1);
}

void OriginStep::give(const Origin& origin, size_t k) const {
  state.origins.at(static_cast<size_t>(node.outputs.at(k))) = origin;
}

int64_t OriginStep::integer(std::string_view argument, int64_t otherwise) const {
  const auto& a = node.argument(argument);
  return a.kind == graph::Argument::Kind::kInt ? a.ints.at(0).at(1) : otherwise;
}

std::vector<int64_t> OriginStep::integers(std::string_view argument) const {
  const auto& a = node.argument(argument);
  std::vector<int64_t> numbers;
  for (const auto& extent : a.ints) numbers.push_back(extent.at(1));
  return numbers;
}

int64_t OriginStep::normalized(ValueId id) const {
  const auto it = state.normalized.find(id);
  return it == state.normalized.end() ? -1 : it->second;
}

void OriginStep::add_scores(const Origin& queries, const Origin& keys) const {
  state.scores[node.outputs.at(0)] = {queries, keys};
}

void OriginStep::add_attention(const Origin& queries, const Origin& keys) const {
  state.attention.push_back({position, queries, keys});
}

bool OriginStep::add_attention_of(ValueId weights) const {
  const auto it = state.scores.find(weights);
  if (it == state.scores.end()) return false;
  add_attention(it->second.queries, it->second.keys);
  return true;
}

void elementwise_rule(const OriginStep& step) {
  for (size_t k = 0; k < step.node.outputs.size(); ++k) {
    const auto to = step.output_shape(k);
    const bool product =
        std::find(kProducts.begin(), kProducts.end(), step.node.name()) != kProducts.end();
    std::vector<Origin> all, whole;
    for (const ValueId id : tensors_read(step.node)) {
      const auto from = step.shape(id);
      if (!step.of(id).defined() || !broadcasts_to(from, to)) continue;
      all.push_back(with_rank(step.of(id), to.size()));
      if (from == to) whole.push_back(all.back());
    }
    const auto& terms = product && !whole.empty() ? whole : all;
    if (terms.empty()) continue;
    Origin sum = terms[0];
    for (size_t i = 1; i < terms.size(); ++i) sum = sum + terms[i];
    step.give(terms.size() == 1 ? sum : sum / static_cast<double>(terms.size()), k);
  }
}

}  // namespace braid::explain
