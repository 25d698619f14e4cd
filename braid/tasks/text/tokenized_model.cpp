#include "braid/tasks/text/tokenized_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/models/checkpoint.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/text/length_file.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/text/whole_text.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

// What is beside the initial weights, which shapes the network. Throws ConfigError where they are
// another architecture's.
std::optional<models::HubConfig> card_of_text_weights(const TaskConfig& config,
                                                      const models::ModelEntry& entry) {
  const fs::path file = fs::path(config.weights) / "config.json";
  if (config.weights.empty() || !fs::exists(file)) return std::nullopt;
  auto card = models::read_hub_config(file);
  const auto of_weights = models::find_model(card.architecture);
  const bool same_kind = entry.transformers && of_weights.transformers &&
                         entry.transformers->model_type == of_weights.transformers->model_type;
  if (card.architecture != entry.name && !same_kind)
    throw ConfigError(
        "train",
        fmt::format("expected weights of {}, got those of {}", entry.name, card.architecture),
        config.weights, "give --model " + card.architecture);
  return card;
}

void expect_fitting(const models::TextEncoder& model, const text::Tokenizer& tokenizer,
                    const std::string& where) {
  if (tokenizer.vocab_size() <= model.vocab_size()) return;
  throw ConfigError("train",
                    fmt::format("expected a tokenizer of at most {} tokens, as the weights have "
                                "them, got one of {}",
                                model.vocab_size(), tokenizer.vocab_size()),
                    where, "use the tokenizer that the weights were trained with (--tokenizer)");
}

}  // namespace

models::TextInput text_input(const data::Batch& batch) {
  return {.input_ids = batch.at(data::kInputIds),
          .attention_mask = batch.at(data::kAttentionMask),
          .token_type_ids =
              batch.has(data::kTokenTypeIds) ? batch.at(data::kTokenTypeIds) : torch::Tensor()};
}

void expect_whole(const TokenizedModel& model, int64_t truncated, const std::string& where) {
  if (!model.truncate) text::expect_whole(truncated, model.max_length, where);
}

text::TokenizerPtr make_tokenizer(const TaskConfig& config, const text::TextSource& texts,
                                  Progress& progress) {
  if (auto given = given_tokenizer(config, progress)) return given;
  return text::train_wordpiece(texts, {.vocab_size = config.text.vocab_size});
}

TokenizedModel make_tokenized_model(const TaskConfig& given, models::TextHead head,
                                    const std::vector<std::string>& classes,
                                    text::TokenizerPtr tokenizer, int64_t seed,
                                    const std::function<int64_t(int64_t most)>& longest,
                                    Progress& progress) {
  constexpr int64_t kMostTokens = 512;  // unless asked for
  TaskConfig config = given;
  if (!config.weights.empty())
    config.weights = io::resolve_weights(config.weights, progress).string();
  const auto entry = models::find_model(config.model);
  const auto card = card_of_text_weights(config, entry);
  TokenizedModel made;
  made.tokenizer = std::move(tokenizer);
  made.hub.architecture = card ? card->architecture : entry.name;
  made.hub.tag = models::tag_of(config.model);
  made.hub.classes = classes;
  expect_utf8(made.hub.classes, config.data);
  Json overrides = card ? shape_of(*card) : Json::object();
  if (!card) {
    overrides["vocab_size"] = made.tokenizer->vocab_size();
    if (const auto pad = made.tokenizer->special().pad) overrides["pad_token_id"] = *pad;
  }
  overrides["head"] = to_string(head);
  if (!classes.empty()) overrides["num_labels"] = static_cast<int64_t>(classes.size());
  set_drop_rates(overrides, entry.config, config);
  made.model = models::create_model<models::TextEncoder>(made.hub.architecture, overrides,
                                                         static_cast<uint64_t>(seed));
  expect_fitting(*made.model, *made.tokenizer, config.data);
  const int64_t positions = made.model->max_positions();
  const int64_t most = positions > 0 ? std::min(positions, kMostTokens) : kMostTokens;
  made.max_length = config.text.max_length ? *config.text.max_length : longest(most);
  if (positions > 0 && made.max_length > positions)
    throw ConfigError("train",
                      fmt::format("expected a length up to the model's {} tokens, got {}",
                                  positions, made.max_length),
                      "--max-length");
  made.hub.model_args = made.model->config();
  if (!config.weights.empty()) {
    models::load_weights_to_fine_tune(*made.model, config.weights, progress);
    if (card && !classes.empty()) reorder_head(*made.model, card->classes, made.hub.classes);
  }
  return made;
}

TokenizedModel restore_tokenized_model(const fs::path& checkpoint) {
  TokenizedModel made;
  made.hub = models::read_hub_config(models::find_config(checkpoint));
  made.model =
      models::create_model<models::TextEncoder>(made.hub.architecture, made.hub.model_args);
  made.tokenizer = text::load_tokenizer(checkpoint);
  made.max_length = read_max_length(checkpoint);
  return made;
}

TokenizedModel load_tokenized_model(const fs::path& folder) {
  const auto loaded = models::load_text_encoder(folder);
  TokenizedModel out{.model = loaded.model,
                     .hub = loaded.hub,
                     .tokenizer = text::load_tokenizer(folder),
                     .max_length = read_max_length(folder)};
  expect_fitting(*out.model, *out.tokenizer, folder.string());
  const int64_t positions = out.model->max_positions();
  if (positions > 0)
    out.max_length = out.max_length > 0 ? std::min(out.max_length, positions) : positions;
  return out;
}

void save_tokenized_model(const TokenizedModel& model, const fs::path& folder) {
  models::save_text_model(*model.model, model.hub, folder);
  model.tokenizer->save(folder);
  write_max_length(folder, model.max_length);
}

}  // namespace braid::tasks
