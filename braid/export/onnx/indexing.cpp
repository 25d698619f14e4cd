#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

void embedding(Emitter& e, const Node& node) {
  e.emit(node, "Gather", {e.name(node.value("weight")), e.name(node.value("indices"))},
         {{"axis", int64_t{0}}});
}

void index_select(Emitter& e, const Node& node) {
  e.emit(node, "Gather", {e.name(node.value("self")), e.name(node.value("index"))},
         {{"axis", node.integer("dim")}});
}

// x[:, :, indices]: one list of indices.
void index_by_tensor(Emitter& e, const Node& node) {
  const auto& indices = node.argument("indices").values;
  int64_t axis = -1;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] == graph::kNoValue) continue;
    if (axis >= 0) e.refuse("one tensor of indices", "several");
    axis = static_cast<int64_t>(i);
  }
  if (axis < 0) e.refuse("one tensor of indices", "none");
  const ValueId index = indices[static_cast<size_t>(axis)];
  if (e.dtype_of(index) == torch::kBool) e.refuse("numbers as indices", "a mask");
  e.emit(node, "Gather", {e.name(node.value("self")), e.name(index)}, {{"axis", axis}});
}

void gather(Emitter& e, const Node& node) {
  e.emit(node, "GatherElements", {e.name(node.value("self")), e.name(node.value("index"))},
         {{"axis", node.integer("dim")}});
}

// One place along a dimension, which goes.
void select(Emitter& e, const Node& node) {
  e.emit(node, "Gather",
         {e.name(node.value("self")),
          e.scalar(static_cast<double>(node.integer("index")), torch::kLong)},
         {{"axis", node.integer("dim")}});
}

// Whole numbers in a row; an end that follows the input's length.
void arange(Emitter& e, const Node& node) {
  const auto bound = [&](const char* name, int64_t otherwise) {
    if (!node.has(name)) return e.scalar(static_cast<double>(otherwise), torch::kLong);
    const auto& argument = node.argument(name);
    if (argument.kind != graph::Argument::Kind::kInt)
      e.refuse("whole numbers", "fractions in a range");
    return e.add("Squeeze", {e.extents(argument.ints)});
  };
  const auto range = e.add("Range", {bound("start", 0), bound("end", 0), bound("step", 1)});
  const auto dtype = e.dtype_of(node.outputs.at(0));
  e.set(node.outputs.at(0),
        dtype == torch::kLong
            ? range
            : e.add("Cast", {range}, {{"to", static_cast<int64_t>(data_type(dtype))}}));
}

}  // namespace

void add_indexing(EmitTable& table) {
  table.insert({{"aten::arange", arange},
                {"aten::embedding", embedding},
                {"aten::gather", gather},
                {"aten::index", index_by_tensor},
                {"aten::index_select", index_select},
                {"aten::select", select}});
}

}  // namespace braid::onnx
