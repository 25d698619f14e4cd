#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

float epsilon(const Node& node) { return static_cast<float>(node.number("eps")); }

void layer_norm(Emitter& e, const Node& node) {
  const ValueId input = node.value("input"), weight = node.value("weight"),
                bias = node.value("bias");
  const auto shape = node.integers("normalized_shape");
  std::vector<std::string> inputs = {
      e.name(input), weight == graph::kNoValue ? e.constant(torch::ones(shape, e.dtype_of(input)))
                                               : e.name(weight)};
  if (bias != graph::kNoValue) inputs.push_back(e.name(bias));
  e.emit(node, "LayerNormalization", inputs,
         {{"axis", -static_cast<int64_t>(shape.size())}, {"epsilon", epsilon(node)}});
}

void batch_norm(Emitter& e, const Node& node) {
  if (node.flag("training")) e.refuse("batch norm by its running statistics", "by the batch's");
  const ValueId mean = node.value("running_mean");
  const auto size = graph::shape_at(e.shape_of(mean), 0);
  const auto or_filled = [&](const char* argument, double number) {
    const ValueId id = node.value(argument);
    return id == graph::kNoValue ? e.constant(torch::full(size, number, e.dtype_of(mean)))
                                 : e.name(id);
  };
  e.emit(node, "BatchNormalization",
         {e.name(node.value("input")), or_filled("weight", 1), or_filled("bias", 0), e.name(mean),
          e.name(node.value("running_var"))},
         {{"epsilon", epsilon(node)}});
}

// A per-channel parameter [C] against [N,C,..].
std::string per_channel(Emitter& e, ValueId id, int64_t rank) {
  std::vector<int64_t> shape(static_cast<size_t>(rank) - 1, 1);
  shape[0] = -1;
  const auto& value = e.graph().at(id);
  return value.constant.defined() ? e.constant(value.constant.reshape(shape), value.name)
                                  : e.add("Reshape", {e.name(id), e.integers(shape)});
}

// GroupNormalization has one gain per group before operator set 21: an instance norm of [N,G,M] is
// the same.
void group_norm(Emitter& e, const Node& node) {
  const ValueId input = node.value("input");
  const auto& shape = e.shape_of(input);
  const int64_t groups = node.integer("num_groups");
  int64_t per_group = 1;
  for (int64_t d = 1; d < e.rank_of(input); ++d) per_group *= e.size_of(input, d);
  const auto grouped =
      e.reshape(e.name(input), {shape.at(0), {0, groups}, {0, per_group / groups}});
  const auto dtype = e.dtype_of(input);
  auto y = e.add("InstanceNormalization",
                 {grouped, e.constant(torch::ones({groups}, dtype)),
                  e.constant(torch::zeros({groups}, dtype))},
                 {{"epsilon", epsilon(node)}});
  y = e.reshape(y, shape);
  if (node.value("weight") != graph::kNoValue)
    y = e.add("Mul", {y, per_channel(e, node.value("weight"), e.rank_of(input))});
  if (node.value("bias") != graph::kNoValue)
    y = e.add("Add", {y, per_channel(e, node.value("bias"), e.rank_of(input))});
  e.set(node.outputs.at(0), y);
}

}  // namespace

void add_norms(EmitTable& table) {
  table.insert({{"aten::batch_norm", batch_norm},
                {"aten::group_norm", group_norm},
                {"aten::layer_norm", layer_norm}});
}

}  // namespace braid::onnx
