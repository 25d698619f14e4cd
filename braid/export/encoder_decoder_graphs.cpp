#include "braid/export/encoder_decoder_graphs.h"

#include <algorithm>
#include <string>

#include "braid/core/json.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/export/file_proof.h"
#include "braid/export/text_metadata.h"
#include "braid/generate/generation_config.h"
#include "braid/graph/capture_encoder_decoder.h"
#include "braid/graph/passes/passes.h"

namespace braid::onnx {

EncoderDecoderGraphs make_encoder_decoder_graphs(models::LoadedEncoderDecoder& loaded) {
  auto& model = *loaded.model;
  const auto& name = loaded.hub.architecture;
  const bool goes_on = graph::can_go_on(model);
  EncoderDecoderGraphs made{.encoder = graph::capture_encoder(model),
                            .decoder = goes_on ? graph::capture_decoder_with_present(model)
                                               : graph::capture_decoder(model),
                            .encoder_deviation = {},
                            .decoder_deviation = {}};
  graph::simplify(made.encoder);
  graph::simplify(made.decoder);
  // Other sizes than those of the capture.
  const graph::Sizes some(4, 17, 23), sizes = sizes_within(model, some);
  made.encoder_deviation = graph::encoder_deviation_on_noise(made.encoder, model, sizes);
  made.decoder_deviation = graph::decoder_deviation_on_noise(made.decoder, model, sizes);
  expect_close(made.encoder_deviation, name + ", encoder");
  expect_close(made.decoder_deviation, name + ", decoder");
  if (!goes_on) return made;
  auto& next = made.decoder_with_past.emplace(graph::capture_decoder_with_past(model));
  graph::simplify(next);
  made.decoder_with_past_deviation = graph::decoder_with_past_deviation_on_noise(
      next, model, sizes_within(model, some, /*past=*/true));
  expect_close(made.decoder_with_past_deviation, name + ", decoder with past");
  return made;
}

graph::Sizes sizes_within(const models::EncoderDecoder& model, graph::Sizes sizes, bool past) {
  const int64_t most = model.max_positions();
  if (most == 0) return sizes;
  return {sizes.batch, std::min(sizes.length, past ? most - 1 : most),
          std::min(sizes.memory, most)};
}

EncoderDecoderOptions onnx_options(const models::LoadedEncoderDecoder& loaded,
                                   const std::filesystem::path& checkpoint) {
  const auto& model = *loaded.model;
  const auto& name = loaded.hub.architecture;
  auto metadata = text_metadata(model, name, checkpoint);
  // Translations are cut where the model ends, whatever lengths it was trained on.
  metadata.erase("max_length");
  if (model.max_positions() > 0) metadata["max_length"] = std::to_string(model.max_positions());
  metadata[decoding::kStartKey] = std::to_string(model.decoder_start_token_id());
  metadata[decoding::kEosKey] = std::to_string(model.eos_token_id());
  const auto generation = generate::load_generation_config(checkpoint, model);
  metadata[decoding::kGenerationKey] = dump_json(generate::generation_config_to_json(generation));
  const auto part = [&](const char* word, const char* length_name) {
    auto of_part = metadata;
    of_part[decoding::kPartKey] = word;
    return OnnxOptions{.name = name + "_" + word,
                       .preprocessing = {},
                       .metadata = std::move(of_part),
                       .length_name = length_name};
  };
  return {.encoder = part(decoding::kEncoderPart, "sequence"),
          .decoder = part(decoding::kDecoderPart, "sequence"),
          .decoder_with_past = part(decoding::kDecoderWithPastPart, "past_sequence")};
}

}  // namespace braid::onnx
