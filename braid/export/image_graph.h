// An image model as a graph that is ready for translation.
#pragma once
#include "braid/export/onnx/export_onnx.h"
#include "braid/graph/graph.h"
#include "braid/graph/verify.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

struct ImageGraph {
  graph::Graph graph;          // simplified
  graph::Deviation deviation;  // from the model, on images of noise
};
// loaded: in eval mode and reparameterized, as models::load_for_inference gives it. Throws
// DataError where the model cannot be captured, InternalError where the graph computes something
// else.
ImageGraph make_image_graph(models::LoadedModel& loaded);

// The file's names and metadata.
OnnxOptions onnx_options(const models::ImageHubConfig& hub, bool with_preprocessing);

}  // namespace braid::onnx
