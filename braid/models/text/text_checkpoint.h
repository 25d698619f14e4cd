// A network of text on disk: see models/checkpoint.h. config.json is transformers' where it knows
// such a model, with a section of braid's own.
#pragma once
#include <cstdint>
#include <filesystem>

#include "braid/io/weight_shards.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"

namespace braid::models {

// Writes weights and config.json; the files of the tokenizer are its own matter. Throws IoError.
void save_text_model(const TextModel& model, const HubConfig& hub,
                     const std::filesystem::path& folder,
                     uint64_t max_shard_size = io::kMaxShardSize);

template <class T>
struct LoadedText {
  std::shared_ptr<T> model;  // in eval mode
  HubConfig hub;
};
using LoadedTextModel = LoadedText<TextModel>;
using LoadedTextEncoder = LoadedText<TextEncoder>;
using LoadedEncoderDecoder = LoadedText<EncoderDecoder>;
// A folder that save_text_model or transformers wrote. Throws IoError, or DataError for a model of
// another kind too.
LoadedTextModel load_text_model(const std::filesystem::path& folder);
LoadedTextEncoder load_text_encoder(const std::filesystem::path& folder);
LoadedEncoderDecoder load_encoder_decoder(const std::filesystem::path& folder);

}  // namespace braid::models
