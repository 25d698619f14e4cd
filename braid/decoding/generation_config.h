// How a text is written: the settings of Hugging Face's GenerationConfig that braid knows, under
// their names.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid {
class HubFields;
}

namespace braid::decoding {

struct GenerationConfig {
  // Lengths are in tokens with the start token, as transformers counts them.
  int64_t max_length = 512;
  std::optional<int64_t> max_new_tokens = {};  // instead, without the start token
  int64_t min_length = 0;
  std::optional<int64_t> min_new_tokens = {};  // instead, without the start token

  int64_t num_beams = 1;             // 1: greedy search, or sampling
  int64_t num_return_sequences = 1;  // at most num_beams, unless it samples
  // Score: sum of the tokens' log-probabilities / length^length_penalty, the length without the
  // start token; above 0 longer texts gain.
  double length_penalty = 1;
  // When a text's search ends: "true": as soon as num_beams hypotheses have; "false": when none can
  // become better at the present length; "never": when none can become better at any length.
  std::string early_stopping = "false";

  bool do_sample = false;
  double temperature = 1;
  int64_t top_k = 50;  // when sampling; 0: all
  double top_p = 1;    // when sampling; 1: all
  // When sampling: the least probability, as a share of the likeliest token's; unset: any.
  std::optional<double> min_p = {};
  double typical_p = 1;  // when sampling; 1: all
  int64_t seed = 0;      // of sampling

  double repetition_penalty = 1;     // 1: none
  int64_t no_repeat_ngram_size = 0;  // 0: any may repeat
  std::vector<std::vector<int64_t>> bad_words_ids = {};
  bool renormalize_logits = false;  // what the settings above left is made probabilities again

  // Unset, or empty: the model's own.
  std::optional<int64_t> pad_token_id = {};
  std::optional<int64_t> decoder_start_token_id = {};
  std::vector<int64_t> eos_token_id = {};  // each of them ends a text
  // What must stand first and last; unset: anything. The last is that at max_length.
  std::optional<int64_t> forced_bos_token_id = {};
  std::optional<int64_t> forced_eos_token_id = {};

  void visit(FieldVisitor& v);
};

// Tokens of the longest text with the start token: by max_new_tokens where it is set.
int64_t longest_text(const GenerationConfig& config);
// Tokens before a text may end, with the start token: by min_new_tokens where it is set.
int64_t shortest_text(const GenerationConfig& config);

// The same of one text that follows a source of so many tokens: no longer than `factor` times the
// source, its length rounded up to 16, and 16 tokens more; 0: longest_text() alone. A model that
// has learned little otherwise writes on to the end.
int64_t longest_text(const GenerationConfig& config, int64_t source_tokens, double factor);

// The first setting that fits no other, such as more texts to return than beams; each by itself is
// within its range.
std::optional<FieldFault> conflict_of(const GenerationConfig& config);
// The first setting that names a token which a vocabulary of so many does not have.
std::optional<FieldFault> token_fault_of(const GenerationConfig& config, int64_t vocab_size);

// As generation_config.json has it: early_stopping may be a truth value, eos_token_id and
// forced_eos_token_id a number or a list, null is unset. Throws DataError for a value that is none,
// and for a setting of transformers that changes what is written and that braid does not have, such
// as num_beam_groups; other fields that braid does not know are left.
GenerationConfig generation_config_from_json(const Json& json, const std::string& where,
                                             GenerationConfig defaults = {});
// A field that is a number, or a list of one; where the file has none, id stays as it is.
void read_token_id(const HubFields& fields, const char* key, std::optional<int64_t>& id);
// What transformers reads: the fields that differ from its own defaults.
Json generation_config_to_json(const GenerationConfig& config);

}  // namespace braid::decoding
