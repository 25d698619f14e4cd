#include "braid/tasks/text/translation_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/models/checkpoint.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/weights.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/tasks/text/translation.h"
#include "braid/tasks/training_rate.h"
#include "braid/text/train_tokenizer.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

// Of the model's config, that they are the tokenizer's.
void set_tokens(Json& overrides, const Json& fields, const text::Tokenizer& tokenizer) {
  const auto format = data::sequence_format(tokenizer, 0);
  const auto set = [&](const char* name, int64_t value) {
    if (fields.contains(name)) overrides[name] = value;
  };
  set("vocab_size", tokenizer.vocab_size());
  set("pad_token_id", format.pad);
  set("eos_token_id", format.eos);
  set("decoder_start_token_id", format.decoder_start);
  set("forced_eos_token_id", format.eos);
}

int64_t length_for(const TaskConfig& config, const models::EncoderDecoder& model) {
  constexpr int64_t kMostTokens = 512;  // unless asked for
  if (config.text.max_length) return *config.text.max_length;
  const int64_t positions = model.max_positions();
  return positions > 0 ? std::min(positions, kMostTokens) : kMostTokens;
}

void finish_translator(Translator& made, const TaskConfig& config) {
  made.format = format_of(*made.model, *made.tokenizer, length_for(config, *made.model),
                          config.weights.empty() ? config.text.tokenizer : config.weights);
  made.generation = generate::default_generation_config(*made.model);
  fit_length(made);
}

// The model that the checkpoint describes, its weights not yet loaded: for a run that goes on.
Translator restore_translator(const TaskConfig& config, const fs::path& checkpoint) {
  Translator made;
  made.hub = models::read_hub_config(models::find_config(checkpoint));
  made.model =
      models::create_model<models::EncoderDecoder>(made.hub.architecture, made.hub.model_args);
  made.tokenizer = text::load_tokenizer(checkpoint);
  finish_translator(made, config);
  return made;
}

// How many of such pairs a batch of so many tokens on each side holds, were there no padding.
double pairs_of_tokens(const data::Batch& pairs, int64_t max_tokens) {
  if (pairs.indices.empty()) return 0;
  const auto longer = torch::maximum(pairs.at(data::kAttentionMask).sum(1),
                                     pairs.at(data::kDecoderAttentionMask).sum(1));
  return std::max(
      1.0, static_cast<double>(max_tokens) / longer.to(torch::kDouble).mean().item<double>());
}

}  // namespace

data::Batch some_pairs(const Translator& translator, const data::ParallelText& train) {
  constexpr int64_t kPairs = 64;
  const int64_t count = std::min(kPairs, train.size());
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) places.push_back(i * train.size() / count);
  const data::ParallelCollate collate(train.subset(places), translator.tokenizer,
                                      translator.format);
  std::vector<int64_t> all(places.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  data::BadSamples bad("skip");
  return collate(all, {}, bad).to(runtime::device_of(*translator.model));
}

double pairs_per_second(Translator& translator, const data::Batch& pairs,
                        const std::string& dtype) {
  if (pairs.indices.empty()) return 0;
  return training_rate(*translator.model, pairs.size(), dtype,
                       [&] { return sequence_loss(*translator.model, pairs, 0).loss; });
}

TranslationData::TranslationData(data::ParallelSplits splits, std::string spec)
    : splits_(std::move(splits)), spec_(std::move(spec)) {
  if (!splits_.train)
    throw DataError("train", "expected pairs to learn from, got no train split", spec_);
}

text::TokenizerPtr TranslationData::tokenizer(const TaskConfig& config, Progress& progress) const {
  auto& kept = tokenizers_[tokenizer_source(
      config, fmt::format("{} {}", config.translation.tokenizer_type, config.text.vocab_size))];
  if (!kept) kept = given_tokenizer(config, progress);
  if (kept) return kept;
  constexpr uint64_t kMostBytes = 4096;  // of a line: a vocabulary needs no whole books in one
  int64_t next = 0;
  const text::TextSource texts = [&](std::string& text) {
    if (next == 2 * splits_.train->size()) return false;
    const auto pair = splits_.train->get(next / 2, kMostBytes);
    text = data::beginning_of(next++ % 2 == 0 ? pair.source : pair.target, kMostBytes - 1);
    return true;
  };
  progress.line(fmt::format("Learning a vocabulary of {} tokens from {} pairs.",
                            config.text.vocab_size, splits_.train->size()));
  return kept = text::train_sentencepiece(texts, {.type = config.translation.tokenizer_type,
                                                  .vocab_size = config.text.vocab_size});
}

Translator TranslationData::make_translator(const TaskConfig& given, int64_t seed,
                                            Progress& progress) const {
  TaskConfig config = given;
  Translator made;
  made.tokenizer = tokenizer(config, progress);
  const auto entry = models::find_model(config.model);
  made.hub.architecture = entry.name;
  made.hub.tag = models::tag_of(config.model);
  Json overrides = Json::object();
  fs::path card;
  if (!config.weights.empty()) {
    config.weights = io::resolve_weights(config.weights, progress).string();
    card = fs::path(config.weights) / "config.json";
  }
  if (!card.empty() && fs::exists(card)) {
    const auto hub = models::read_hub_config(card);
    made.hub.architecture = hub.architecture;
    overrides = shape_of(hub);
  } else {
    set_tokens(overrides, entry.config, *made.tokenizer);
  }
  set_drop_rates(overrides, entry.config, config);
  made.model = models::create_model<models::EncoderDecoder>(made.hub.architecture, overrides,
                                                            static_cast<uint64_t>(seed));
  made.hub.model_args = made.model->config();
  finish_translator(made, config);
  if (!config.weights.empty())
    models::load_weights_to_fine_tune(*made.model, config.weights, progress);
  return made;
}

TrainingFacts TranslationData::facts(const TaskConfig& config, const FactOptions& options,
                                     Progress& progress) const {
  auto made = make_translator(config, options.seed, progress);
  TrainingFacts facts{.train_items = splits_.train->size(),
                      .params = models::count_parameters(*made.model),
                      .input_size = made.format.max_length,
                      .fine_tuning = !config.weights.empty()};
  if (options.measure_rate) made.model->to(runtime::resolve_device(options.device));
  const auto pairs = some_pairs(made, *splits_.train);
  if (config.translation.max_tokens > 0)
    facts.batch_items = pairs_of_tokens(pairs, config.translation.max_tokens);
  if (options.measure_rate) facts.items_per_s = pairs_per_second(made, pairs, options.dtype);
  return facts;
}

std::unique_ptr<Task> TranslationData::make_task(const TaskConfig& config,
                                                 const TaskOptions& options,
                                                 Progress& progress) const {
  auto translator = options.checkpoint.empty() ? make_translator(config, options.seed, progress)
                                               : restore_translator(config, options.checkpoint);
  translator.source_lang = splits_.source_lang;
  translator.target_lang = splits_.target_lang;
  return std::make_unique<TranslationTask>(config, splits_, std::move(translator), progress);
}

std::unique_ptr<TaskData> open_translation_data(const TaskConfig& config) {
  return std::make_unique<TranslationData>(
      data::open_parallel_text(config.data, {.source_lang = config.translation.source_lang,
                                             .target_lang = config.translation.target_lang,
                                             .val_fraction = config.val_fraction}),
      config.data);
}

}  // namespace braid::tasks
