#include "braid/generate/generation_config.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/core/hub_fields.h"
#include "braid/core/json.h"

namespace braid::generate {

void check(const GenerationConfig& config) {
  check_fields(config, "generate");
  if (const auto fault = decoding::conflict_of(config))
    throw ConfigError("generate", fault->message, fault->field, fault->remedy);
}

GenerationConfig default_generation_config(const models::EncoderDecoder& model) {
  GenerationConfig config;
  config.pad_token_id = model.pad_token_id();
  config.decoder_start_token_id = model.decoder_start_token_id();
  config.eos_token_id = {model.eos_token_id()};
  if (model.pad_token_id() != model.eos_token_id()) config.bad_words_ids = {{model.pad_token_id()}};
  const HubFields fields(model.config(), "config", "the model's config");
  decoding::read_token_id(fields, "forced_eos_token_id", config.forced_eos_token_id);
  decoding::read_token_id(fields, "forced_bos_token_id", config.forced_bos_token_id);
  return config;
}

GenerationConfig load_generation_config(const std::filesystem::path& folder,
                                        const models::EncoderDecoder& model) {
  auto config = default_generation_config(model);
  const auto own = folder / kGenerationFile, older = folder / "config.json";
  const auto& file = std::filesystem::exists(own) ? own : older;
  if (folder.empty() || !std::filesystem::exists(file)) return config;
  return generation_config_from_json(read_json(file), file.string(), std::move(config));
}

}  // namespace braid::generate
