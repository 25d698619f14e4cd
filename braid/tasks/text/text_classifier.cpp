#include "braid/tasks/text/text_classifier.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/text/text_collate.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

std::vector<int64_t> sample_lengths(const data::TextDataset& texts,
                                    const text::Tokenizer& tokenizer) {
  constexpr int64_t kTexts = 1000;
  const int64_t count = std::min(kTexts, texts.size());
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < count; ++i) {
    const auto example = texts.get(i * texts.size() / count);
    const auto encoding = example.pair ? tokenizer.encode_pair(example.text, *example.pair)
                                       : tokenizer.encode(example.text);
    lengths.push_back(static_cast<int64_t>(encoding.ids.size()));
  }
  return lengths;
}

}  // namespace

text::TokenizerPtr make_tokenizer(const TaskConfig& config, const data::TextDataset& texts,
                                  Progress& progress) {
  int64_t next = 0;
  const text::TextSource next_text = [&](std::string& text) {
    if (next == texts.size()) return false;
    auto example = texts.get(next++);
    text = example.pair ? example.text + "\n" + *example.pair : std::move(example.text);
    return true;
  };
  return make_tokenizer(config, next_text, progress);
}

int64_t suitable_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer,
                        int64_t most) {
  constexpr int64_t kWhole = 8;
  constexpr double kShare = 0.98;
  auto lengths = sample_lengths(texts, tokenizer);
  if (lengths.empty()) return most;
  std::sort(lengths.begin(), lengths.end());
  const auto place = static_cast<size_t>(kShare * static_cast<double>(lengths.size() - 1));
  return std::clamp((lengths[place] + kWhole - 1) / kWhole * kWhole, kWhole, most);
}

int64_t mean_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer,
                    int64_t most) {
  const auto lengths = sample_lengths(texts, tokenizer);
  if (lengths.empty()) return most;
  int64_t sum = 0;
  for (const int64_t length : lengths) sum += std::clamp(length, int64_t{1}, most);
  const auto count = static_cast<int64_t>(lengths.size());
  return (sum + count / 2) / count;
}

TokenizedModel make_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                    text::TokenizerPtr tokenizer, int64_t seed,
                                    Progress& progress) {
  const auto longest = [&](int64_t most) { return suitable_length(train, *tokenizer, most); };
  return make_tokenized_model(config, models::TextHead::kSequenceClassification, train.classes(),
                              tokenizer, seed, longest, progress);
}

TokenizedModel restore_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                       const std::filesystem::path& checkpoint) {
  auto made = restore_tokenized_model(checkpoint);
  expect_same_classes(made.hub.classes, train.classes(), config.data);
  return made;
}

void expect_text_classifier(const TokenizedModel& model, const std::filesystem::path& folder) {
  if (model.model->head() == models::TextHead::kSequenceClassification) return;
  throw DataError("checkpoint",
                  std::string("expected a classifier of texts, got a model with the head ") +
                      to_string(model.model->head()),
                  folder.string(), "train one on your data: `braid train --weights` takes it");
}

TokenizedModel load_text_classifier(const std::filesystem::path& folder) {
  auto loaded = load_tokenized_model(folder);
  expect_text_classifier(loaded, folder);
  return loaded;
}

int64_t run_texts(const TokenizedModel& classifier, const data::TextDatasetPtr& dataset,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see) {
  const auto loader = data::make_text_loader(dataset, classifier.tokenizer,
                                             {.batch_size = options.batch_size,
                                              .workers = options.workers,
                                              .on_bad_sample = options.on_bad_sample,
                                              .max_length = classifier.max_length});
  return run_all(
      *classifier.model,
      [&](const data::Batch& batch) { return classifier.model->forward(text_input(batch)); },
      *loader, dataset->size(), options.dtype, progress, see);
}

torch::Tensor classify(const TokenizedModel& classifier, const std::vector<std::string>& texts,
                       const std::string& dtype) {
  std::vector<data::TextExample> examples;
  for (const auto& text : texts) examples.push_back({.text = text, .pair = {}});
  const runtime::EvalScope scope(*classifier.model, dtype);
  const auto batch = data::make_text_batch(examples, *classifier.tokenizer, classifier.max_length);
  auto rows = classifier.model->forward(text_input(batch.to(scope.device())))
                  .to(torch::kFloat)
                  .softmax(1)
                  .cpu();
  expect_finite(rows);
  return rows;
}

}  // namespace braid::tasks
