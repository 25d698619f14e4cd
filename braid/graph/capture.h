// From a model that runs to a graph, without a tracer's help.
//
// The model is run at two batch sizes while its operators are observed, of texts at three lengths
// each, of decoders at three lengths of what they read besides. What the runs agree on is a
// constant; integers that differ follow the batch as scale * N + offset, and the lengths likewise;
// one more run of other sizes proves that the graph computes what the model does, to the bit.
// Everything else is refused.
#pragma once
#include "braid/graph/capture_request.h"
#include "braid/graph/graph.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"

namespace braid::graph {

// Without gradients, on this thread. Throws DataError naming operator and module where the model
// cannot be captured: it reads numbers out of tensors, writes into parameters, reads what was
// overwritten, draws random numbers, or computes another way for another batch size.
Graph capture(const CaptureRequest& request);

// model: in eval mode. `pixel_values` [N,C,height,width] -> `logits` [N,K], or pooled features
// where there is no classifier.
Graph capture(models::ImageModel& model, int64_t height, int64_t width);

// model: in eval mode. `input_ids`, `attention_mask` and, where the model reads them,
// `token_type_ids` [N,L] int64 -> `logits`, the head's output, or `last_hidden_state` [N,L,D].
Graph capture(models::TextEncoder& model);

// Texts of random words of these sizes, the later rows with padding: input_ids, attention_mask,
// token_type_ids.
std::vector<torch::Tensor> example_texts(const models::TextEncoder& model, Sizes sizes,
                                         at::Generator generator);

}  // namespace braid::graph
