#include "braid/tasks/text/text_classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/text/text_collate.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/text/length_file.h"
#include "braid/text/train_tokenizer.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

// The fields that several families have under names of their own.
constexpr std::array kDropNames = {"hidden_dropout_prob", "dropout", "drop_rate"};
constexpr std::array kAttentionDropNames = {"attention_probs_dropout_prob", "attention_dropout"};
constexpr std::array kDropPathNames = {"drop_path_rate"};

template <class Names>
void set_drop(Json& overrides, const Json& fields, const Names& names, double value) {
  if (value <= 0) return;
  for (const char* name : names)
    if (fields.contains(name)) overrides[name] = value;
}

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

Json shape_of(const models::HubConfig& card) {
  Json fields = Json::object();
  for (const auto& [name, value] : card.model_args.items())
    if (name.find("drop") == std::string::npos && name != "head" && name != "num_labels")
      fields[name] = value;
  return fields;
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

torch::Tensor TextClassifier::forward(const data::Batch& batch) const {
  return model->forward({.input_ids = batch.at(data::kInputIds),
                         .attention_mask = batch.at(data::kAttentionMask),
                         .token_type_ids = batch.at(data::kTokenTypeIds)});
}

text::TokenizerPtr make_tokenizer(const TaskConfig& config, const data::TextDataset& texts,
                                  Progress& progress) {
  if (!config.text.tokenizer.empty()) return text::load_tokenizer(config.text.tokenizer);
  if (!config.weights.empty()) {
    const auto weights = io::resolve_weights(config.weights, progress);
    if (io::is_folder(weights) && text::has_tokenizer(weights))
      return text::load_tokenizer(weights);
    throw ConfigError("train", "expected a tokenizer beside the weights, got none", config.weights,
                      "name the one that they were trained with: --tokenizer");
  }
  int64_t next = 0;
  const auto text_of = [&]() -> std::optional<std::string> {
    if (next == texts.size()) return std::nullopt;
    auto example = texts.get(next++);
    return example.pair ? example.text + "\n" + *example.pair : std::move(example.text);
  };
  return text::train_wordpiece(text_of, {.vocab_size = config.text.vocab_size});
}

int64_t suitable_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer,
                        int64_t most) {
  constexpr int64_t kTexts = 1000, kWhole = 8;
  constexpr double kShare = 0.98;
  const int64_t count = std::min(kTexts, texts.size());
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < count; ++i) {
    const auto example = texts.get(i * texts.size() / count);
    const auto encoding = example.pair ? tokenizer.encode_pair(example.text, *example.pair)
                                       : tokenizer.encode(example.text);
    lengths.push_back(static_cast<int64_t>(encoding.ids.size()));
  }
  if (lengths.empty()) return most;
  std::sort(lengths.begin(), lengths.end());
  const auto place = static_cast<size_t>(kShare * static_cast<double>(lengths.size() - 1));
  return std::clamp((lengths[place] + kWhole - 1) / kWhole * kWhole, kWhole, most);
}

TextClassifier make_text_classifier(const TaskConfig& given, const data::TextDataset& train,
                                    text::TokenizerPtr tokenizer, int64_t seed,
                                    Progress& progress) {
  constexpr int64_t kMostTokens = 512;  // unless asked for
  TaskConfig config = given;
  if (!config.weights.empty())
    config.weights = io::resolve_weights(config.weights, progress).string();
  const auto entry = models::find_model(config.model);
  const auto card = card_of_text_weights(config, entry);
  TextClassifier made;
  made.tokenizer = std::move(tokenizer);
  made.hub.architecture = card ? card->architecture : entry.name;
  made.hub.tag = models::tag_of(config.model);
  made.hub.classes = train.classes();
  expect_utf8(made.hub.classes, config.data);
  Json overrides = card ? shape_of(*card) : Json::object();
  if (!card) {
    overrides["vocab_size"] = made.tokenizer->vocab_size();
    if (const auto pad = made.tokenizer->special().pad) overrides["pad_token_id"] = *pad;
  }
  overrides["head"] = to_string(models::TextHead::kSequenceClassification);
  overrides["num_labels"] = static_cast<int64_t>(made.hub.classes.size());
  set_drop(overrides, entry.config, kDropNames, config.drop);
  set_drop(overrides, entry.config, kAttentionDropNames, config.attn_drop);
  set_drop(overrides, entry.config, kDropPathNames, config.drop_path);
  made.model = models::create_model<models::TextEncoder>(made.hub.architecture, overrides,
                                                         static_cast<uint64_t>(seed));
  expect_fitting(*made.model, *made.tokenizer, config.data);
  const int64_t positions = made.model->max_positions();
  const int64_t most = positions > 0 ? std::min(positions, kMostTokens) : kMostTokens;
  made.max_length = config.text.max_length.value_or(suitable_length(train, *made.tokenizer, most));
  if (positions > 0 && made.max_length > positions)
    throw ConfigError("train",
                      fmt::format("expected a length up to the model's {} tokens, got {}",
                                  positions, made.max_length),
                      "--max-length");
  made.hub.model_args = made.model->config();
  if (!config.weights.empty()) {
    models::load_weights_to_fine_tune(*made.model, config.weights, progress);
    if (card) reorder_head(*made.model, card->classes, made.hub.classes);
  }
  return made;
}

TextClassifier restore_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                       const fs::path& checkpoint) {
  TextClassifier made;
  made.hub = models::read_hub_config(models::find_config(checkpoint));
  expect_same_classes(made.hub.classes, train.classes(), config.data);
  made.model =
      models::create_model<models::TextEncoder>(made.hub.architecture, made.hub.model_args);
  made.tokenizer = text::load_tokenizer(checkpoint);
  made.max_length = read_max_length(checkpoint);
  return made;
}

TextClassifier load_text_classifier(const fs::path& folder) {
  auto loaded = models::load_text_encoder(folder);
  if (loaded.model->head() != models::TextHead::kSequenceClassification)
    throw DataError("checkpoint",
                    std::string("expected a classifier of texts, got a model with the head ") +
                        to_string(loaded.model->head()),
                    folder.string(), "train one on your data: `braid train --weights` takes it");
  TextClassifier out{.model = loaded.model,
                     .hub = loaded.hub,
                     .tokenizer = text::load_tokenizer(folder),
                     .max_length = read_max_length(folder)};
  expect_fitting(*out.model, *out.tokenizer, folder.string());
  if (out.max_length == 0) out.max_length = out.model->max_positions();
  return out;
}

void save_text_classifier(const TextClassifier& classifier, const fs::path& folder) {
  models::save_text_model(*classifier.model, classifier.hub, folder);
  classifier.tokenizer->save(folder);
  write_max_length(folder, classifier.max_length);
}

int64_t run_texts(const TextClassifier& classifier, const data::TextDatasetPtr& dataset,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see) {
  const auto loader = data::make_text_loader(dataset, classifier.tokenizer,
                                             {.batch_size = options.batch_size,
                                              .workers = options.workers,
                                              .on_bad_sample = options.on_bad_sample,
                                              .max_length = classifier.max_length});
  return run_all(
      *classifier.model, [&](const data::Batch& batch) { return classifier.forward(batch); },
      *loader, dataset->size(), options.dtype, progress, see);
}

torch::Tensor classify(const TextClassifier& classifier, const std::vector<std::string>& texts,
                       const std::string& dtype) {
  std::vector<data::TextExample> examples;
  for (const auto& text : texts) examples.push_back({.text = text, .pair = {}});
  const runtime::EvalScope scope(*classifier.model, dtype);
  const auto batch = data::make_text_batch(examples, *classifier.tokenizer, classifier.max_length);
  auto rows = classifier.forward(batch.to(scope.device())).to(torch::kFloat).softmax(1).cpu();
  expect_finite(rows);
  return rows;
}

}  // namespace braid::tasks
