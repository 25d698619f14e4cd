// How a model's texts are written unless somebody says otherwise: decoding/generation_config.h has
// the settings.
#pragma once
#include <filesystem>

#include "braid/decoding/generation_config.h"
#include "braid/models/text/encoder_decoder.h"

namespace braid::generate {

using decoding::generation_config_from_json;
using decoding::generation_config_to_json;
using decoding::GenerationConfig;
using decoding::longest_text;
using decoding::shortest_text;

// Throws ConfigError naming the first setting that is out of its range or fits no other, such as
// more texts to return than beams.
void check(const GenerationConfig& config);

// With the tokens of the model: those of its contract, and forced_eos_token_id and
// forced_bos_token_id of its config where it has them. Its pad token is a bad word.
GenerationConfig default_generation_config(const models::EncoderDecoder& model);

inline constexpr const char* kGenerationFile = "generation_config.json";
// A checkpoint's: the file in its folder, else what older ones have in config.json, on the model's
// defaults.
GenerationConfig load_generation_config(const std::filesystem::path& folder,
                                        const models::EncoderDecoder& model);

}  // namespace braid::generate
