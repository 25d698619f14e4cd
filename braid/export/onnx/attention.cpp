#include <cmath>
#include <limits>

#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

// What is added to the scores: undefined name for nothing.
std::string bias_of(Emitter& e, const Node& node) {
  const ValueId mask = node.value("attn_mask");
  if (mask == graph::kNoValue) return "";
  if (e.dtype_of(mask) != torch::kBool) return e.name(mask);
  if (e.graph().is_constant(mask)) {
    const auto seen = e.graph().at(mask).constant;
    return e.constant(torch::zeros(seen.sizes()).masked_fill(seen.logical_not(), kHidden));
  }
  return e.add("Where", {e.name(mask), e.scalar(0), e.scalar(kHidden)});
}

// 0, 1, .. as [length] int64.
std::string places(Emitter& e, const graph::Extent& length) {
  const auto whole = [&](int64_t number) {
    return e.scalar(static_cast<double>(number), torch::kLong);
  };
  return e.add("Range", {whole(0), e.add("Squeeze", {e.extents({length})}), whole(1)});
}

// A query sees the keys up to its own place.
std::string causal_bias(Emitter& e, const Node& node) {
  const auto size = [&](const char* argument) {
    const auto& shape = e.shape_of(node.value(argument));
    return shape.at(shape.size() - 2);
  };
  const auto N = size("query"), M = size("key");
  if (N.is_constant() && M.is_constant()) {
    const auto hidden = torch::ones({N.offset, M.offset}, torch::kBool).triu(1);
    return e.constant(torch::zeros(hidden.sizes()).masked_fill(hidden, kHidden));
  }
  return e.once("causal " + graph::to_text(graph::Shape{N, M}), [&] {
    const auto queries = e.add("Unsqueeze", {places(e, N), e.integers({1})});
    const auto hidden = e.add("Greater", {places(e, M), queries});  // [N,M]
    return e.add("Where", {hidden, e.scalar(kHidden), e.scalar(0)});
  });
}

// softmax(q k^T * scale + bias) v, q [..,N,d], k [..,M,d], v [..,M,e].
void attend(Emitter& e, const Node& node) {
  if (node.number("dropout_p") != 0) e.refuse("attention without dropout", "one with it");
  if (node.has("enable_gqa") && node.flag("enable_gqa"))
    e.refuse("as many heads of keys as of queries", "fewer");
  const ValueId q = node.value("query"), k = node.value("key");
  const double scale = node.is_none("scale") ? 1 / std::sqrt(static_cast<double>(e.size_of(q, -1)))
                                             : node.number("scale");
  std::vector<int64_t> swapped;
  for (int64_t d = 0; d < e.rank_of(k); ++d) swapped.push_back(d);
  std::swap(swapped.at(swapped.size() - 1), swapped.at(swapped.size() - 2));
  const auto queries = e.add("Mul", {e.name(q), e.scalar(scale, e.dtype_of(q))});
  const auto keys = e.add("Transpose", {e.name(k)}, {{"perm", swapped}});
  auto scores = e.add("MatMul", {queries, keys});
  const auto bias = node.flag("is_causal") ? causal_bias(e, node) : bias_of(e, node);
  if (!bias.empty()) scores = e.add("Add", {scores, bias});
  const auto weights = e.add("Softmax", {scores}, {{"axis", int64_t{-1}}});
  e.emit(node, "MatMul", {weights, e.name(node.value("value"))});
}

}  // namespace

void add_attention(EmitTable& table) {
  table.insert({{"aten::scaled_dot_product_attention", attend}});
}

}  // namespace braid::onnx
