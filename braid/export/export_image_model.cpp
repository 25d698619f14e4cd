#include "braid/export/export_image_model.h"

#include <fmt/format.h>

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

Json preprocessing_of(const models::ImageHubConfig& hub) {
  Json json = models::image_preprocessing(hub.input, true);
  json.erase("fixed_input_size");
  if (!hub.classes.empty()) json["label_names"] = hub.classes;
  return json;
}

}  // namespace

ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options) {
  if (options.with_preprocessing) tasks::expect_classifier_of_images(loaded);
  auto& model = *loaded.model;
  const auto& hub = loaded.hub;
  auto graph = graph::capture(model, hub.input.height, hub.input.width);
  graph::simplify(graph);
  constexpr int64_t kBatch = 4;  // neither of those of the capture
  const auto deviation = graph::deviation_on_noise(graph, model, kBatch);
  expect_close(deviation, hub.architecture);
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
  return {.architecture = hub.architecture,
          .file = output.string(),
          .input = options.with_preprocessing ? fmt::format("image NxHxWx{}", hub.input.channels)
                                              : described(graph, graph.inputs),
          .output = options.with_preprocessing
                        ? fmt::format("probabilities Nx{}", model.num_classes())
                        : described(graph, graph.outputs),
          .opset = kOpset,
          .operators = static_cast<int64_t>(graph.nodes.size()),
          .bytes = static_cast<int64_t>(bytes.size()),
          .max_error = deviation.absolute,
          .relative_error = deviation.relative};
}

}  // namespace braid::onnx
