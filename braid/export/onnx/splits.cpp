#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

std::vector<std::string> tensors_of(Emitter& e, const Node& node) {
  std::vector<std::string> names;
  for (const ValueId id : node.argument("tensors").values)
    names.push_back(e.name_as(id, e.dtype_of(node.outputs.at(0))));
  return names;
}

void concatenate(Emitter& e, const Node& node) {
  e.emit(node, "Concat", tensors_of(e, node), {{"axis", node.integer("dim")}});
}

// Along a new dimension.
void stack(Emitter& e, const Node& node) {
  int64_t dim = node.integer("dim");
  if (dim < 0) dim += e.rank_of(node.outputs.at(0));
  auto parts = tensors_of(e, node);
  for (auto& part : parts) part = e.add("Unsqueeze", {part, e.integers({dim})});
  e.emit(node, "Concat", parts, {{"axis", dim}});
}

// chunk, split and split_with_sizes: the sizes are those that LibTorch came to.
void split(Emitter& e, const Node& node) {
  int64_t dim = node.integer("dim");
  if (dim < 0) dim += e.rank_of(node.value("self"));
  std::vector<int64_t> sizes;
  for (const ValueId output : node.outputs) sizes.push_back(e.size_of(output, dim));
  const auto parts = e.add_many("Split", {e.name(node.value("self")), e.integers(sizes)},
                                sizes.size(), {{"axis", dim}});
  for (size_t i = 0; i < parts.size(); ++i) e.set(node.outputs[i], parts[i]);
}

// Places along a dimension, which goes.
void unbind(Emitter& e, const Node& node) {
  const auto x = e.name(node.value("self"));
  for (size_t i = 0; i < node.outputs.size(); ++i)
    e.set(node.outputs[i], e.add("Gather", {x, e.scalar(static_cast<double>(i), torch::kLong)},
                                 {{"axis", node.integer("dim")}}));
}

}  // namespace

void add_splits(EmitTable& table) {
  table.insert({{"aten::cat", concatenate},
                {"aten::chunk", split},
                {"aten::concat", concatenate},
                {"aten::split", split},
                {"aten::split_with_sizes", split},
                {"aten::stack", stack},
                {"aten::tensor_split", split},
                {"aten::unbind", unbind}});
}

}  // namespace braid::onnx
