// From a model that runs to a graph, without a tracer's help.
//
// The model is run at two batch sizes while its operators are observed. What both runs agree on is
// a constant; integers that differ follow the batch as scale * N + offset; a third run at a third
// size proves that the graph computes what the model does, to the bit. Everything else is refused.
#pragma once
#include "braid/graph/capture_request.h"
#include "braid/graph/graph.h"
#include "braid/models/vision/image_model.h"

namespace braid::graph {

// Without gradients, on this thread. Throws DataError naming operator and module where the model
// cannot be captured: it reads numbers out of tensors, writes into parameters, reads what was
// overwritten, draws random numbers, or computes another way for another batch size.
Graph capture(const CaptureRequest& request);

// model: in eval mode. `pixel_values` [N,C,height,width] -> `logits` [N,K], or pooled features
// where there is no classifier.
Graph capture(models::ImageModel& model, int64_t height, int64_t width);

}  // namespace braid::graph
