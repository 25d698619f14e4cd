#include "braid/export/export_image_model.h"

#include <fmt/format.h>

#include "braid/export/image_graph.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {
namespace {

std::string text_of(const graph::Graph& graph, graph::ValueId id) {
  return graph.at(id).name + " " + graph::to_text(graph.at(id).shape);
}

}  // namespace

void ExportOptions::visit(FieldVisitor& v) {
  v.field("with_preprocessing", with_preprocessing,
          "take images [N,H,W,C] of uint8 in any size and give probabilities");
}

void ExportReport::visit(FieldVisitor& v) {
  v.field("architecture", architecture, "name of the registry");
  v.field("file", file, "what was written");
  v.field("input", input, "name and shape, N the batch");
  v.field("output", output, "name and shape, N the batch");
  v.field("opset", opset, "ONNX operator set");
  v.field("operators", operators, "of the graph that was translated");
  v.field("bytes", bytes, "of the file");
  v.field("max_error", max_error, "of the graph's logits against the model's, on images of noise");
  v.field("relative_error", relative_error, "to the largest logit");
}

ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options) {
  if (options.with_preprocessing) tasks::expect_classifier_of_images(loaded);
  auto& model = *loaded.model;
  const auto& hub = loaded.hub;
  const auto [graph, deviation] = make_image_graph(loaded);
  const auto bytes = export_onnx(graph, onnx_options(hub, options.with_preprocessing));
  io::write_file_atomic(output, bytes);
  const auto logits = text_of(graph, graph.outputs.at(0));
  return {.architecture = hub.architecture,
          .file = output.string(),
          .input = options.with_preprocessing ? fmt::format("image NxHxWx{}", hub.input.channels)
                                              : text_of(graph, graph.inputs.at(0)),
          .output = options.with_preprocessing
                        ? fmt::format("probabilities Nx{}", model.num_classes())
                        : logits,
          .opset = kOpset,
          .operators = static_cast<int64_t>(graph.nodes.size()),
          .bytes = static_cast<int64_t>(bytes.size()),
          .max_error = deviation.absolute,
          .relative_error = deviation.relative};
}

}  // namespace braid::onnx
