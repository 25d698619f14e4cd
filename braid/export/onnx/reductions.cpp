#include <cmath>
#include <numeric>
#include <set>

#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

// Those that are reduced: all where none is named.
std::vector<int64_t> axes_of(Emitter& e, const Node& node) {
  std::vector<int64_t> axes;
  if (node.has("dim") && !node.is_none("dim")) axes = node.integers("dim");
  if (!axes.empty()) return axes;
  axes.resize(static_cast<size_t>(e.rank_of(node.value("self"))));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

int64_t keeps(const Node& node) { return node.has("keepdim") && node.flag("keepdim") ? 1 : 0; }

std::string reduced(Emitter& e, const Node& node, const char* op_type, const std::string& x,
                    int64_t keep) {
  return e.add(op_type, {x, e.integers(axes_of(e, node))}, {{"keepdims", keep}});
}

void reduce(Emitter& e, const Node& node, const char* op_type) {
  const auto x = e.name_as(node.value("self"), e.dtype_of(node.outputs.at(0)));
  e.set(node.outputs[0], reduced(e, node, op_type, x, keeps(node)));
}
void mean(Emitter& e, const Node& node) { reduce(e, node, "ReduceMean"); }
void sum(Emitter& e, const Node& node) { reduce(e, node, "ReduceSum"); }
// Whether it is what ONNX calls global pooling: of numbers, over all but batch and channels.
bool is_global_pooling(Emitter& e, const Node& node) {
  constexpr int64_t kMostRank = 5;  // engines have no larger one
  const ValueId x = node.value("self");
  const int64_t rank = e.rank_of(x);
  std::set<int64_t> axes;
  for (const int64_t axis : axes_of(e, node)) axes.insert(axis < 0 ? axis + rank : axis);
  return e.dtype_of(x) == torch::kFloat && rank > 2 && rank <= kMostRank &&
         static_cast<int64_t>(axes.size()) == rank - 2 && *axes.begin() == 2;
}

// OpenVINO 2026.4 takes a quantization that follows a largest or smallest value into the operator,
// and computes another number then; a change of the shape keeps them apart. ONNX Runtime's
// quantizer knows the shape of a pooling alone.
std::string extremum(Emitter& e, const Node& node, const std::string& op_type,
                     const std::string& x) {
  const bool kept = keeps(node) == 1;
  const bool pools = !kept && op_type == "ReduceMax" && is_global_pooling(e, node);
  const auto y =
      pools ? e.add("GlobalMaxPool", {x}) : reduced(e, node, op_type.c_str(), x, kept ? 0 : 1);
  return e.reshape(y, e.shape_of(node.outputs.at(0)));
}
void reduce_extremum(Emitter& e, const Node& node, const char* op_type) {
  const auto x = e.name_as(node.value("self"), e.dtype_of(node.outputs.at(0)));
  e.set(node.outputs[0], extremum(e, node, op_type, x));
}
void largest(Emitter& e, const Node& node) { reduce_extremum(e, node, "ReduceMax"); }
void smallest(Emitter& e, const Node& node) { reduce_extremum(e, node, "ReduceMin"); }

std::string cast(Emitter& e, const std::string& x, torch::ScalarType dtype) {
  return e.add("Cast", {x}, {{"to", static_cast<int64_t>(data_type(dtype))}});
}

// Engines reduce no booleans in this operator set.
void any(Emitter& e, const Node& node) {
  const auto numbers = cast(e, e.name_as(node.value("self"), torch::kBool), torch::kInt);
  e.set(node.outputs.at(0),
        cast(e, reduced(e, node, "ReduceMax", numbers, keeps(node)), torch::kBool));
}

void cumulative_sum(Emitter& e, const Node& node) {
  e.emit(node, "CumSum",
         {e.name_as(node.value("self"), e.dtype_of(node.outputs.at(0))),
          e.scalar(static_cast<double>(node.integer("dim")), torch::kLong)});
}

// The largest value along a dimension, and where it is.
void max_along(Emitter& e, const Node& node) {
  if (!node.has("dim")) {  // of everything, or of two tensors
    if (node.has("other"))
      return e.emit(node, "Max", {e.name(node.value("self")), e.name(node.value("other"))});
    return reduce_extremum(e, node, "ReduceMax");
  }
  const auto x = e.name(node.value("self"));
  e.set(node.outputs.at(0), extremum(e, node, "ReduceMax", x));
  e.set(node.outputs.at(1),
        e.add("ArgMax", {x}, {{"axis", node.integer("dim")}, {"keepdims", keeps(node)}}));
}

void argmax(Emitter& e, const Node& node) {
  if (node.is_none("dim")) e.refuse("argmax along a dimension", "argmax of everything");
  e.emit(node, "ArgMax", {e.name(node.value("self"))},
         {{"axis", node.integer("dim")}, {"keepdims", keeps(node)}});
}

// Reductions that stand for norms of order 1 and 2.
void vector_norm(Emitter& e, const Node& node) {
  const char* argument = node.has("ord") ? "ord" : "p";
  const double order = node.is_none(argument) ? 2 : node.number(argument);
  if (order != 1 && order != 2) e.refuse("a norm of order 1 or 2", std::to_string(order));
  reduce(e, node, order == 2 ? "ReduceL2" : "ReduceL1");
}

std::string variance(Emitter& e, const Node& node) {
  const ValueId input = node.value("self");
  double correction = 1;
  if (node.has("unbiased")) correction = node.flag("unbiased") ? 1 : 0;
  if (node.has("correction") && !node.is_none("correction")) correction = node.number("correction");
  double count = 1;
  for (const int64_t axis : axes_of(e, node)) count *= static_cast<double>(e.size_of(input, axis));
  const auto x = e.name(input);
  const auto centred = e.add("Sub", {x, reduced(e, node, "ReduceMean", x, 1)});
  const auto squares = e.add("Mul", {centred, centred});
  auto biased = reduced(e, node, "ReduceMean", squares, keeps(node));
  if (correction == 0) return biased;
  return e.add("Mul", {biased, e.scalar(count / (count - correction), e.dtype_of(input))});
}
void variance_of(Emitter& e, const Node& node) { e.set(node.outputs.at(0), variance(e, node)); }
void deviation_of(Emitter& e, const Node& node) {
  e.set(node.outputs.at(0), e.add("Sqrt", {variance(e, node)}));
}

}  // namespace

void add_reductions(EmitTable& table) {
  table.insert({{"aten::amax", largest},
                {"aten::amin", smallest},
                {"aten::any", any},
                {"aten::argmax", argmax},
                {"aten::cumsum", cumulative_sum},
                {"aten::linalg_vector_norm", vector_norm},
                {"aten::max", max_along},
                {"aten::mean", mean},
                {"aten::norm", vector_norm},
                {"aten::std", deviation_of},
                {"aten::sum", sum},
                {"aten::var", variance_of}});
}

}  // namespace braid::onnx
