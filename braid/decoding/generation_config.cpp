#include "braid/decoding/generation_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "braid/core/hub_fields.h"

namespace braid::decoding {
namespace {

void read_early_stopping(const HubFields& fields, std::string& value) {
  if (!fields.has("early_stopping")) return;
  const Json& given = fields.json().at("early_stopping");
  value = given.is_boolean() ? (given.get<bool>() ? "true" : "false")
                             : fields.get<std::string>("early_stopping");
}

// A number, or a list of them.
void read_ids(const HubFields& fields, const char* key, std::vector<int64_t>& ids) {
  if (!fields.has(key)) return;
  if (fields.json().at(key).is_array())
    ids = fields.get<std::vector<int64_t>>(key);
  else
    ids = {fields.get<int64_t>(key)};
}

// Settings of transformers that change what is written, and the values with which they do not.
struct UnknownSetting {
  const char* name;
  Json without_effect;
};

// Whoever sets them expects other texts than braid would write.
void refuse_unknown_settings(const HubFields& fields) {
  const UnknownSetting settings[] = {{"num_beam_groups", 1},
                                     {"diversity_penalty", 0},
                                     {"penalty_alpha", 0},
                                     {"encoder_repetition_penalty", 1},
                                     {"encoder_no_repeat_ngram_size", 0},
                                     {"epsilon_cutoff", 0},
                                     {"eta_cutoff", 0},
                                     {"guidance_scale", 1},
                                     {"top_h", nullptr},
                                     {"sequence_bias", nullptr},
                                     {"suppress_tokens", nullptr},
                                     {"begin_suppress_tokens", nullptr},
                                     {"force_words_ids", nullptr},
                                     {"constraints", nullptr},
                                     {"forced_decoder_ids", nullptr},
                                     {"exponential_decay_length_penalty", nullptr},
                                     {"stop_strings", nullptr},
                                     {"dola_layers", nullptr},
                                     {"watermarking_config", nullptr}};
  for (const auto& setting : settings) {
    if (!fields.has(setting.name)) continue;
    const Json& value = fields.json().at(setting.name);
    if (value.empty() || value == setting.without_effect) continue;
    fields.fail(fmt::format("expected no '{}', which braid does not have, got {}", setting.name,
                            value.dump()),
                "take it out of the file, and texts are written without it");
  }
}

std::string expected_tokens(int64_t vocab_size, int64_t token) {
  return fmt::format("expected numbers of tokens from 0 to {}, got {}", vocab_size - 1, token);
}

}  // namespace

void GenerationConfig::visit(FieldVisitor& v) {
  v.field("max_length", max_length, "tokens of the longest text, with the start token",
          {.least = 2});
  v.field("max_new_tokens", max_new_tokens, "the same without the start token, instead",
          {.least = 1});
  v.field("min_length", min_length, "tokens before a text may end, with the start token",
          {.least = 0});
  v.field("min_new_tokens", min_new_tokens, "the same without the start token, instead",
          {.least = 0});
  v.field("num_beams", num_beams, "hypotheses that are followed, 1: greedy search",
          {.least = 1, .most = 1000});
  v.field("num_return_sequences", num_return_sequences, "texts for each text", {.least = 1});
  v.field("length_penalty", length_penalty,
          "power of the length that a score is divided by, above 1: longer texts",
          {.least = -10, .most = 10});
  v.field("early_stopping", early_stopping,
          "true: a text is done with as many hypotheses as beams; false: when none can become "
          "better at its length; never: at any length",
          {.choices = {"false", "true", "never"}});
  v.field("do_sample", do_sample, "draw tokens instead of taking the likeliest");
  v.field("temperature", temperature, "of drawing, below 1: likely ones more often", {.above = 0});
  v.field("top_k", top_k, "draw among so many tokens, 0: all", {.least = 0});
  v.field("top_p", top_p, "draw among the likeliest tokens of this joint probability",
          {.least = 0, .most = 1});
  v.field("min_p", min_p, "draw among tokens with this share of the likeliest one's probability",
          {.least = 0, .most = 1});
  v.field(
      "typical_p", typical_p,
      "draw among the tokens of this joint probability whose own is nearest to what is expected",
      {.most = 1, .above = 0});
  v.field("seed", seed, "of what is drawn");
  v.field("repetition_penalty", repetition_penalty, "above 1: what was written becomes unlikelier",
          {.above = 0});
  v.field("no_repeat_ngram_size", no_repeat_ngram_size,
          "no sequence of so many tokens comes twice, 0: any may", {.least = 0});
  v.field("bad_words_ids", bad_words_ids, "sequences of tokens that are never written",
          {.least = 0});
  v.field("renormalize_logits", renormalize_logits,
          "what the settings left of the scores becomes log-probabilities again");
  v.field("pad_token_id", pad_token_id, "the padding's number, unset: the model's", {.least = 0});
  v.field("decoder_start_token_id", decoder_start_token_id,
          "the number of what begins a text, unset: the model's", {.least = 0});
  v.field("eos_token_id", eos_token_id, "numbers of what ends a text, none: the model's",
          {.least = 0});
  v.field("forced_bos_token_id", forced_bos_token_id, "what a text begins with, unset: anything",
          {.least = 0});
  v.field("forced_eos_token_id", forced_eos_token_id, "what stands at max_length, unset: anything",
          {.least = 0});
}

int64_t longest_text(const GenerationConfig& config) {
  if (!config.max_new_tokens) return config.max_length;
  return std::min(*config.max_new_tokens, std::numeric_limits<int64_t>::max() - 1) + 1;
}

int64_t longest_text(const GenerationConfig& config, int64_t source_tokens, double factor) {
  const int64_t most = longest_text(config);
  if (factor <= 0) return most;
  // In classes, so that sources of a batch share their limit, and it depends on no other source.
  constexpr int64_t kLengthClass = 16;
  const int64_t length = (source_tokens + kLengthClass - 1) / kLengthClass * kLengthClass;
  const double times = factor * static_cast<double>(length);
  return times >= static_cast<double>(most)
             ? most
             : std::min(most, kLengthClass + static_cast<int64_t>(times));
}

int64_t shortest_text(const GenerationConfig& config) {
  if (!config.min_new_tokens) return config.min_length;
  return std::min(*config.min_new_tokens, std::numeric_limits<int64_t>::max() - 1) + 1;
}

std::optional<FieldFault> conflict_of(const GenerationConfig& config) {
  const bool draws = config.do_sample && config.num_beams == 1;
  if (!draws && config.num_return_sequences > config.num_beams)
    return FieldFault{"num_return_sequences",
                      fmt::format("expected at most {} texts to return, as many as beams, got {}",
                                  config.num_beams, config.num_return_sequences),
                      "take more beams, or sample"};
  for (const auto& word : config.bad_words_ids)
    if (word.empty())
      return FieldFault{"bad_words_ids", "expected tokens in each bad word, got none", ""};
  return std::nullopt;
}

std::optional<FieldFault> token_fault_of(const GenerationConfig& config, int64_t vocab_size) {
  const auto is_none = [&](int64_t token) { return token < 0 || token >= vocab_size; };
  const std::pair<const char*, std::optional<int64_t>> single[] = {
      {"decoder_start_token_id", config.decoder_start_token_id},
      {"forced_bos_token_id", config.forced_bos_token_id},
      {"forced_eos_token_id", config.forced_eos_token_id}};
  for (const auto& [field, token] : single)
    if (token && is_none(*token)) return FieldFault{field, expected_tokens(vocab_size, *token), ""};
  for (const int64_t token : config.eos_token_id)
    if (is_none(token)) return FieldFault{"eos_token_id", expected_tokens(vocab_size, token), ""};
  for (const auto& word : config.bad_words_ids)
    for (const int64_t token : word)
      if (is_none(token))
        return FieldFault{"bad_words_ids", expected_tokens(vocab_size, token), ""};
  return std::nullopt;
}

void read_token_id(const HubFields& fields, const char* key, std::optional<int64_t>& id) {
  std::vector<int64_t> ids;
  read_ids(fields, key, ids);
  if (ids.size() > 1) fields.fail(fmt::format("expected one number as '{}', got several", key));
  if (!ids.empty()) id = ids[0];
}

GenerationConfig generation_config_from_json(const Json& json, const std::string& where,
                                             GenerationConfig config) {
  const HubFields fields(json, "generation_config.json", where);
  refuse_unknown_settings(fields);
  fields.read("max_length", config.max_length);
  read_token_id(fields, "max_new_tokens", config.max_new_tokens);
  fields.read("min_length", config.min_length);
  read_token_id(fields, "min_new_tokens", config.min_new_tokens);
  fields.read("num_beams", config.num_beams);
  fields.read("num_return_sequences", config.num_return_sequences);
  fields.read("length_penalty", config.length_penalty);
  read_early_stopping(fields, config.early_stopping);
  fields.read("do_sample", config.do_sample);
  fields.read("temperature", config.temperature);
  fields.read("top_k", config.top_k);
  fields.read("top_p", config.top_p);
  if (fields.has("min_p")) config.min_p = fields.get<double>("min_p");
  fields.read("typical_p", config.typical_p);
  fields.read("repetition_penalty", config.repetition_penalty);
  fields.read("no_repeat_ngram_size", config.no_repeat_ngram_size);
  fields.read("bad_words_ids", config.bad_words_ids);
  fields.read("renormalize_logits", config.renormalize_logits);
  read_token_id(fields, "pad_token_id", config.pad_token_id);
  read_token_id(fields, "decoder_start_token_id", config.decoder_start_token_id);
  read_ids(fields, "eos_token_id", config.eos_token_id);
  read_token_id(fields, "forced_bos_token_id", config.forced_bos_token_id);
  read_token_id(fields, "forced_eos_token_id", config.forced_eos_token_id);
  if (const auto fault = visit_for_fault([&](FieldVisitor& v) { config.visit(v); }))
    fields.fail(fault->message, fault->remedy);
  return config;
}

Json generation_config_to_json(const GenerationConfig& config) {
  const Json all = to_json(config), defaults = to_json(GenerationConfig());
  Json json = Json::object();
  for (const auto& [field, value] : all.items())
    if (field != "seed" && !value.is_null() &&
        (value != defaults.at(field) || field == "max_length"))
      json[field] = value;
  if (json.contains("early_stopping") && config.early_stopping == "true")
    json["early_stopping"] = true;
  if (config.eos_token_id.size() == 1) json["eos_token_id"] = config.eos_token_id[0];
  return json;
}

}  // namespace braid::decoding
