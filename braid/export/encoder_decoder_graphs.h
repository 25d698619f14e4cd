// An encoder-decoder as graphs that are ready for translation.
#pragma once
#include <filesystem>
#include <optional>

#include "braid/export/onnx/export_onnx.h"
#include "braid/graph/graph.h"
#include "braid/graph/verify.h"
#include "braid/models/text/text_checkpoint.h"

namespace braid::onnx {

struct EncoderDecoderGraphs {
  graph::Graph encoder, decoder;                          // simplified
  graph::Deviation encoder_deviation, decoder_deviation;  // from the model, on tokens of noise
  // What goes on from what the decoder kept, which then is among its outputs; none where nothing is
  // kept, or texts are too short for it.
  std::optional<graph::Graph> decoder_with_past{};
  graph::Deviation decoder_with_past_deviation{};
};
// Throws DataError where the model cannot be captured, InternalError where a graph computes
// something else.
EncoderDecoderGraphs make_encoder_decoder_graphs(models::LoadedEncoderDecoder& loaded);

// Sizes to try a graph with, no longer than the model's texts. past: of the decoder with past,
// whose words are followed by one more.
graph::Sizes sizes_within(const models::EncoderDecoder& model, graph::Sizes sizes,
                          bool past = false);

// The files' names and metadata: what other texts have, the model's tokens and the settings that it
// writes with. checkpoint: the folder whose tokenizer's files and generation_config.json go into
// it; may be empty.
struct EncoderDecoderOptions {
  OnnxOptions encoder, decoder, decoder_with_past;
};
EncoderDecoderOptions onnx_options(const models::LoadedEncoderDecoder& loaded,
                                   const std::filesystem::path& checkpoint);

}  // namespace braid::onnx
