// How far a graph is from the model that it was captured from.
#pragma once
#include "braid/graph/graph.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"

namespace braid::graph {

struct Deviation {
  double absolute = 0;  // the largest difference of an output
  double relative = 0;  // to the model's largest output
};

// images: [B,C,H,W], of the graph's size. Throws DataError where the model's output is not finite.
Deviation deviation(const Graph& graph, models::ImageModel& model, const torch::Tensor& images);
// The same on images of noise.
Deviation deviation_on_noise(const Graph& graph, models::ImageModel& model, int64_t batch);
// On texts of random words, all as long; at tokens that are no padding.
Deviation deviation_on_noise(const Graph& graph, models::TextEncoder& model, Sizes sizes);
// The same of the graphs of an encoder-decoder. The decoder's graph reads what the model's encoder
// gives.
Deviation encoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes);
Deviation decoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes);

}  // namespace braid::graph
