#include "braid/export/onnx/export_onnx.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/export/onnx/emitter.h"
#include "braid/export/onnx/preprocessing.h"

namespace braid::onnx {
namespace {

const EmitTable& emit_table() {
  static const EmitTable table = [] {
    EmitTable t;
    add_activations(t);
    add_arithmetic(t);
    add_attention(t);
    add_convolutions(t);
    add_indexing(t);
    add_norms(t);
    add_poolings(t);
    add_products(t);
    add_quantization(t);
    add_reductions(t);
    add_resizing(t);
    add_shapes(t);
    add_splits(t);
    return t;
  }();
  return table;
}

Dimension dimension(const graph::Extent& extent, const OnnxOptions& options) {
  if (extent.is_constant()) return extent.offset;
  if (extent == graph::Extent{.scale = 1}) return "batch";
  if (extent == graph::Extent{.length = 1}) return options.length_name;
  if (extent == graph::Extent{.offset = 1, .length = 1}) return options.length_name + " + 1";
  if (extent == graph::Extent{.memory = 1}) return "encoder_sequence";
  return to_text(extent);
}

ValueInfo value_info(const graph::Value& value, const OnnxOptions& options) {
  ValueInfo info{.name = value.name, .type = data_type(value.dtype), .shape = {}};
  for (const auto& extent : value.shape) info.shape.push_back(dimension(extent, options));
  return info;
}

ValueInfo image_info(const data::InputConfig& input) {
  return {.name = "image",
          .type = DataType::kUint8,
          .shape = {"batch", "height", "width", input.channels}};
}

void translate(Emitter& emitter, const Node& node) {
  emitter.begin(node);
  const auto it = emit_table().find(node.name());
  if (it == emit_table().end())
    emitter.refuse("operators that have a translation to ONNX", node.name());
  it->second(emitter, node);
}

// The tensor takes the output's name everywhere, or is copied to it where it has a name of its own.
void name_output(ModelProto& model, Emitter& emitter, const std::string& tensor,
                 const std::string& output) {
  const auto made = [&](const NodeProto& node) {
    return std::find(node.outputs.begin(), node.outputs.end(), tensor) != node.outputs.end();
  };
  const bool is_output = std::any_of(model.outputs.begin(), model.outputs.end(),
                                     [&](const ValueInfo& info) { return info.name == tensor; });
  if (is_output || std::none_of(model.nodes.begin(), model.nodes.end(), made)) {
    const auto copy = emitter.add("Identity", {tensor});
    return name_output(model, emitter, copy, output);
  }
  for (auto& node : model.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), tensor, output);
    std::replace(node.outputs.begin(), node.outputs.end(), tensor, output);
  }
}

}  // namespace

int64_t opset_of(const graph::Graph& graph) {
  const bool narrow = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                  [&](const Node& node) { return is_stored_as_int4(graph, node); });
  return narrow ? kOpsetOfInt4 : kOpset;
}

std::string export_onnx(const graph::Graph& graph, const OnnxOptions& options) {
  ModelProto model{.opset = opset_of(graph), .producer_version = version(), .name = options.name};
  model.metadata = options.metadata;
  const auto& preprocessing = options.preprocessing;
  if (preprocessing && (graph.inputs.size() != 1 || graph.outputs.size() != 1))
    throw InternalError("onnx",
                        "expected a graph of one image with its preprocessing, got another");
  if (preprocessing)
    model.inputs.push_back(image_info(*preprocessing));
  else
    for (const ValueId id : graph.inputs) model.inputs.push_back(value_info(graph.at(id), options));
  for (const ValueId id : graph.outputs) model.outputs.push_back(value_info(graph.at(id), options));
  if (preprocessing) model.outputs.at(0).name = "probabilities";

  Emitter emitter(graph, model);
  for (size_t i = 0; i < graph.inputs.size(); ++i)
    emitter.set(graph.inputs[i], preprocessing ? add_preprocessing(emitter, "image", *preprocessing)
                                               : model.inputs[i].name);
  for (const auto& node : graph.nodes) translate(emitter, node);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    auto tensor = emitter.name(graph.outputs[i]);
    if (preprocessing) tensor = emitter.add("Softmax", {tensor}, {{"axis", int64_t{1}}});
    name_output(model, emitter, tensor, model.outputs[i].name);
    emitter.set(graph.outputs[i], model.outputs[i].name);
  }
  return serialize(model);
}

}  // namespace braid::onnx
