// A model that translates, with its tokenizer: how one is read and kept, and what it writes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "braid/data/text/parallel_collate.h"
#include "braid/generate/generation_config.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/nn/basic/int8_weights.h"
#include "braid/text/line.h"
#include "braid/text/tokenizer.h"

namespace braid::tasks {

struct Translator {
  models::EncoderDecoderPtr model;
  models::HubConfig hub;
  text::TokenizerPtr tokenizer;
  data::SequenceFormat format;  // max_length: of a source, longer ones are cut
  generate::GenerationConfig generation;
  std::string source_lang, target_lang;  // suffixes of the files; empty: unknown
  std::shared_ptr<const nn::Int8Weights> int8_weights = nullptr;  // see load_in_8bit()
};

// The tokens that the model begins, ends and fills texts with; max_length: 0: its longest text's.
// Throws ConfigError where the tokenizer has more tokens than the model, or max_length is more than
// it takes.
data::SequenceFormat format_of(const models::EncoderDecoder& model,
                               const text::Tokenizer& tokenizer, int64_t max_length,
                               const std::string& where);

// generation.max_length and min_length become the only limits of what is written, the former at
// most the model's positions.
void fit_length(Translator& translator);

// In eval mode. A folder that save_translator or transformers wrote. Throws IoError or DataError.
Translator load_translator(const std::filesystem::path& folder);
// Rounds the model's weights to 8 bits, for good, and has translate() read those: for a model on a
// CPU, where a text or a few are written at a time.
void load_in_8bit(Translator& translator);
// Weights, config.json, the tokenizer's files, generation_config.json.
void save_translator(const Translator& translator, const std::filesystem::path& folder);

struct Translation {
  std::string text;
  double score = 0;  // see generate::Hypothesis
};
struct TranslatedText {
  std::vector<Translation> best;  // generation.num_return_sequences of them, the best first
  bool cut = false;               // the source was too long: its end is not translated
};

struct TranslateOptions {
  int64_t batch_tokens = 4096;  // of the sources that are translated at once, padding too
  std::string dtype = "float32";
  // See decoding::longest_text(); 0: generation.max_length alone.
  double max_length_factor = 0;
  int64_t first_number = 0;  // of the texts, for what is drawn: see generate::SearchArgs
  std::stop_token stop = {};
};
// In the order of the texts. A text without anything but white space, or of which the tokenizer
// leaves nothing, gives an empty one. What a text
// gives does not depend on the others. done: told how many are. Where it is told to stop, what is
// not done has no translation. Throws DataError where the model's output is not finite.
std::vector<TranslatedText> translate(const Translator& translator,
                                      const std::vector<std::string>& texts,
                                      const TranslateOptions& options,
                                      const std::function<void(int64_t done)>& done = {});

using text::on_one_line;

}  // namespace braid::tasks
