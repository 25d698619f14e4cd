#include "braid/export/image_graph.h"

#include "braid/core/version.h"
#include "braid/export/file_proof.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/models/vision/inputs.h"

namespace braid::onnx {
namespace {

Json preprocessing_of(const models::ImageHubConfig& hub) {
  Json json = models::image_preprocessing(hub.input, true);
  json.erase("fixed_input_size");
  if (!hub.classes.empty()) json["label_names"] = hub.classes;
  return json;
}

}  // namespace

ImageGraph make_image_graph(models::LoadedModel& loaded) {
  auto& model = *loaded.model;
  const auto& hub = loaded.hub;
  ImageGraph made{.graph = graph::capture(model, hub.input.height, hub.input.width),
                  .deviation = {}};
  graph::simplify(made.graph);
  constexpr int64_t kBatch = 4;  // neither of those of the capture
  made.deviation = graph::deviation_on_noise(made.graph, model, kBatch);
  expect_close(made.deviation, hub.architecture);
  return made;
}

OnnxOptions onnx_options(const models::ImageHubConfig& hub, bool with_preprocessing) {
  OnnxOptions options{.name = hub.architecture,
                      .preprocessing = {},
                      .metadata = {{"braid_version", version()},
                                   {"architecture", hub.architecture},
                                   {"preprocessing", dump_json(preprocessing_of(hub))}}};
  if (with_preprocessing) options.preprocessing = hub.input;
  return options;
}

}  // namespace braid::onnx
