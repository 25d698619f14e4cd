#include "braid/export/export_image_model.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/verify.h"
#include "braid/io/atomic_file.h"
#include "braid/models/vision/inputs.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {
namespace {

// Folding and another order of summation are far below; a wrong graph is far above.
constexpr double kMostRelativeError = 1e-3;

Json preprocessing_of(const models::ImageHubConfig& hub) {
  Json json = models::image_preprocessing(hub.input, true);
  json.erase("fixed_input_size");
  if (!hub.classes.empty()) json["label_names"] = hub.classes;
  return json;
}

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
  auto graph = graph::capture(model, hub.input.height, hub.input.width);
  graph::simplify(graph);
  constexpr int64_t kBatch = 4;  // neither of those of the capture
  const auto deviation = graph::deviation_on_noise(graph, model, kBatch);
  if (deviation.relative > kMostRelativeError)
    throw InternalError("onnx",
                        fmt::format("expected a graph within {:g} of the model, got {:g}",
                                    kMostRelativeError, deviation.relative),
                        hub.architecture);
  OnnxOptions onnx{
      .name = hub.architecture,
      .preprocessing = {},
      .metadata = {{"braid_version", version()},
                   {"architecture", hub.architecture},
                   {"preprocessing",
                    preprocessing_of(hub).dump(-1, ' ', false, Json::error_handler_t::replace)}}};
  if (options.with_preprocessing) onnx.preprocessing = hub.input;
  const auto bytes = export_onnx(graph, onnx);
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
