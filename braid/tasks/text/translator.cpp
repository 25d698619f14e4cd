#include "braid/tasks/text/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/generate/search.h"
#include "braid/io/atomic_file.h"
#include "braid/models/product_weights.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/runtime/eval_scope.h"

namespace braid::tasks {

namespace fs = std::filesystem;

namespace {

constexpr const char* kTokenizerFile = "tokenizer_config.json";

std::vector<Translation> decode_all(const std::vector<generate::Hypothesis>& hypotheses,
                                    const text::Tokenizer& tokenizer, int64_t vocab_size) {
  std::vector<Translation> best;
  for (const auto& hypothesis : hypotheses) {
    std::vector<int32_t> ids;
    for (const int64_t id : hypothesis.ids)  // a model may have more numbers than the tokenizer
      if (id < vocab_size) ids.push_back(static_cast<int32_t>(id));
    best.push_back({tokenizer.decode(ids), hypothesis.score});
  }
  return best;
}

// In tokenizer_config.json, as MarianTokenizer has them.
void read_languages(const fs::path& file, Translator& translator) {
  if (!fs::exists(file)) return;
  const Json json = read_json(file);
  const auto read = [&](const char* field, std::string& value) {
    if (json.is_object() && json.contains(field) && json.at(field).is_string())
      value = json.at(field).get<std::string>();
  };
  read("source_lang", translator.source_lang);
  read("target_lang", translator.target_lang);
}

// Beside what the file has already.
void write_languages(const Translator& translator, const fs::path& file) {
  Json json = fs::exists(file) ? read_json(file) : Json::object();
  json["source_lang"] = translator.source_lang;
  json["target_lang"] = translator.target_lang;
  io::write_file_atomic(file, json.dump(2) + "\n");
}

struct PendingText {
  size_t place;  // among all texts
  data::Sequence sequence;
  int64_t tokens() const { return static_cast<int64_t>(sequence.ids.size()); }
};

}  // namespace

data::SequenceFormat format_of(const models::EncoderDecoder& model,
                               const text::Tokenizer& tokenizer, int64_t max_length,
                               const std::string& where) {
  const int64_t least = std::min(model.vocab_size(), model.source_vocab_size());
  if (tokenizer.vocab_size() > least)
    throw ConfigError("translation",
                      fmt::format("expected a tokenizer of at most {} tokens, as the model has "
                                  "them, got one of {}",
                                  least, tokenizer.vocab_size()),
                      where, "use the tokenizer that the weights were trained with (--tokenizer)");
  const int64_t positions = model.max_positions();
  if (positions > 0 && max_length > positions)
    throw ConfigError(
        "translation",
        fmt::format("expected a length up to the model's {} tokens, got {}", positions, max_length),
        "--max-length");
  return {.pad = static_cast<int32_t>(model.pad_token_id()),
          .eos = static_cast<int32_t>(model.eos_token_id()),
          .decoder_start = static_cast<int32_t>(model.decoder_start_token_id()),
          .max_length = max_length > 0 ? max_length : positions};
}

void fit_length(Translator& translator) {
  auto& generation = translator.generation;
  generation.max_length = generate::longest_text(generation);
  generation.max_new_tokens.reset();
  generation.min_length = generate::shortest_text(generation);
  generation.min_new_tokens.reset();
  const int64_t positions = translator.model->max_positions();
  if (positions > 0) generation.max_length = std::min(generation.max_length, positions);
}

Translator load_translator(const fs::path& folder) {
  auto loaded = models::load_text_model(folder);
  Translator made{.model = std::dynamic_pointer_cast<models::EncoderDecoder>(loaded.model),
                  .hub = loaded.hub,
                  .tokenizer = nullptr,
                  .format = {},
                  .generation = {},
                  .source_lang = {},
                  .target_lang = {}};
  if (!made.model)
    throw DataError("checkpoint",
                    "expected a model that translates, got " + loaded.hub.architecture,
                    folder.string());
  made.tokenizer = text::load_tokenizer(folder);
  made.format = format_of(*made.model, *made.tokenizer, 0, folder.string());
  read_languages(folder / kTokenizerFile, made);
  made.generation = generate::load_generation_config(folder, *made.model);
  fit_length(made);
  return made;
}

void load_in_8bit(Translator& translator) {
  translator.int8_weights = std::make_shared<nn::Int8Weights>(
      models::keep_int8_weights(*translator.model, translator.model->vocab_size()));
}

void save_translator(const Translator& translator, const fs::path& folder) {
  models::save_text_model(*translator.model, translator.hub, folder);
  translator.tokenizer->save(folder);
  if (!translator.source_lang.empty()) write_languages(translator, folder / kTokenizerFile);
  io::write_file_atomic(folder / generate::kGenerationFile,
                        generate::generation_config_to_json(translator.generation).dump(2) + "\n");
}

std::vector<TranslatedText> translate(const Translator& translator,
                                      const std::vector<std::string>& texts,
                                      const TranslateOptions& options,
                                      const std::function<void(int64_t done)>& done) {
  std::vector<TranslatedText> results(texts.size());
  std::vector<PendingText> pending;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (text::is_blank(texts[i])) {
      results[i].best.resize(static_cast<size_t>(translator.generation.num_return_sequences));
      continue;
    }
    auto sequence = data::make_sequence(texts[i], *translator.tokenizer, translator.format);
    results[i].cut = sequence.cut;
    if (text::has_no_words(sequence)) {  // other white space, and what is no text to the tokenizer
      results[i].best.resize(static_cast<size_t>(translator.generation.num_return_sequences));
      continue;
    }
    pending.push_back({i, std::move(sequence)});
  }
  std::stable_sort(pending.begin(), pending.end(), [](const PendingText& a, const PendingText& b) {
    return a.tokens() < b.tokens();
  });
  const auto limit = [&](const PendingText& text) {
    return generate::longest_text(translator.generation, text.tokens(), options.max_length_factor);
  };
  auto ready = static_cast<int64_t>(texts.size() - pending.size());
  if (done) done(ready);
  const runtime::EvalScope scope(*translator.model, options.dtype);
  const nn::Int8Scope weights(translator.int8_weights.get());
  for (size_t begin = 0; begin < pending.size() && !options.stop.stop_requested();) {
    size_t end = begin + 1;
    while (end < pending.size() && limit(pending[end]) == limit(pending[begin]) &&
           static_cast<int64_t>(end + 1 - begin) * pending[end].tokens() <= options.batch_tokens)
      ++end;
    std::vector<const data::Sequence*> rows;
    generate::SearchArgs args{.stop = options.stop, .numbers = {}};
    for (size_t k = begin; k < end; ++k) {
      rows.push_back(&pending[k].sequence);
      args.numbers.push_back(options.first_number + static_cast<int64_t>(pending[k].place));
    }
    const auto batch = data::make_source_batch(rows, translator.format).to(scope.device());
    auto generation = translator.generation;
    generation.max_length = limit(pending[begin]);
    generation.max_new_tokens.reset();
    const auto written = generate::generate(*translator.model,
                                            {.input_ids = batch.at(data::kInputIds),
                                             .attention_mask = batch.at(data::kAttentionMask),
                                             .token_type_ids = {}},
                                            generation, args);
    for (size_t k = 0; k < written.size(); ++k)
      results[pending[begin + k].place].best =
          decode_all(written[k], *translator.tokenizer, translator.tokenizer->vocab_size());
    ready += static_cast<int64_t>(end - begin);
    if (done) done(ready);
    begin = end;
  }
  return results;
}

}  // namespace braid::tasks
