// How far a graph, or what was made of it, is from the model that it was captured from.
#pragma once
#include <vector>

#include "braid/graph/graph.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"

namespace braid::graph {

struct Deviation {
  double absolute = 0;  // the largest difference of an output
  double relative = 0;  // to the model's largest output
};

// What a model gives for some inputs. On the CPU.
struct Sample {
  std::vector<torch::Tensor> inputs;  // in the graph's order
  torch::Tensor expected;
  torch::Tensor asked;  // bool [N,L], of outputs per token: no padding; undefined: all are asked
  std::vector<torch::Tensor> expected_more{};  // of the outputs behind the first, where some are
};
// images: [B,C,H,W], of the graph's size.
Sample sample(models::ImageModel& model, const torch::Tensor& images);
Sample sample(const Graph& graph, models::TextEncoder& model, const models::TextInput& texts);
// On noise; texts of random words are all as long, those behind the first end in padding.
Sample sample_of_noise(const Graph& graph, models::ImageModel& model, int64_t batch);
Sample sample_of_noise(const Graph& graph, models::TextEncoder& model, Sizes sizes);
// Of the graphs of an encoder-decoder. The decoder's graph reads what the model's encoder gives.
Sample encoder_sample_of_noise(models::EncoderDecoder& model, Sizes sizes);
Sample decoder_sample_of_noise(models::EncoderDecoder& model, Sizes sizes);
// Of capture_decoder_with_past(), which reads what was kept of sizes.length words: what the model
// says of one word more when it computes all of them anew.
Sample decoder_with_past_sample_of_noise(models::EncoderDecoder& model, Sizes sizes);

// Of an output for the sample's inputs. Throws DataError where the model's is not finite,
// InternalError where the output has another shape.
Deviation deviation(const Sample& sample, const torch::Tensor& output);
// The largest of several outputs, each against its own. Throws InternalError too where there are
// more of them than the sample knows.
Deviation deviation(const Sample& sample, const std::vector<torch::Tensor>& outputs);
Deviation larger(const Deviation& a, const Deviation& b);

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
Deviation decoder_with_past_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                               Sizes sizes);

}  // namespace braid::graph
