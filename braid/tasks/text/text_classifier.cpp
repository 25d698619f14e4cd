#include "braid/tasks/text/text_classifier.h"

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/text/text_collate.h"
#include "braid/io/asked_text.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

constexpr int64_t kSample = 1000;  // texts that stand for all

std::vector<int64_t> sample_lengths(const data::TextDataset& texts,
                                    const text::Tokenizer& tokenizer) {
  const int64_t count = std::min(kSample, texts.size());
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < count; ++i)
    data::can_read([&] {
      const auto example = texts.get(i * texts.size() / count);
      const auto encoding = example.pair ? tokenizer.encode_pair(example.text, *example.pair)
                                         : tokenizer.encode(example.text);
      lengths.push_back(static_cast<int64_t>(encoding.ids.size()));
    });
  return lengths;
}

}  // namespace

text::TokenizerPtr make_tokenizer(const TaskConfig& config, const data::TextDataset& texts,
                                  Progress& progress) {
  int64_t next = 0;
  const text::TextSource next_text = [&](std::string& text) {
    const auto read = [&] {
      auto example = texts.get(next++);
      text = example.pair ? example.text + "\n" + *example.pair : std::move(example.text);
    };
    while (next < texts.size())
      if (data::can_read(read)) return true;
    return false;
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
  auto made = make_tokenized_model(config, models::TextHead::kSequenceClassification,
                                   train.classes(), tokenizer, seed, longest, progress);
  made.hub.text_pairs = has_pairs(train);
  return made;
}

TokenizedModel restore_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                       const std::filesystem::path& checkpoint) {
  auto made = restore_tokenized_model(checkpoint);
  expect_same_classes(made.hub.classes, train.classes(), config.data);
  made.hub.text_pairs = has_pairs(train);  // an older version did not say
  return made;
}

bool has_pairs(const data::TextDataset& texts) {
  const int64_t count = std::min(kSample, texts.size());
  bool any = false;
  for (int64_t i = 0; i < count && !any; ++i)
    data::can_read([&] { any = texts.get(i * texts.size() / count).pair.has_value(); });
  return any;
}

void expect_text_classifier(const TokenizedModel& model, const std::filesystem::path& folder) {
  if (model.model->head() == models::TextHead::kSequenceClassification) {
    if (model.hub.problem_type.empty()) return;
    throw DataError("checkpoint",
                    "expected a classifier that chooses one of its classes, got one with the "
                    "problem_type " +
                        model.hub.problem_type,
                    folder.string(),
                    "`braid forward` gives its logits; `braid train --weights` fine-tunes it on "
                    "classes");
  }
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
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see,
                  data::CutExamples* cut) {
  const auto loader = data::make_text_loader(dataset, classifier.tokenizer,
                                             {.batch_size = options.batch_size,
                                              .workers = options.workers,
                                              .on_bad_sample = options.on_bad_sample,
                                              .max_length = classifier.max_length});
  if (cut) *cut = loader->cut();
  return run_all(
      *classifier.model,
      [&](const data::Batch& batch) { return classifier.model->forward(text_input(batch)); },
      *loader, dataset->size(), options.dtype, progress, see);
}

torch::Tensor classify(const TokenizedModel& classifier,
                       const std::vector<data::TextExample>& texts, const std::string& dtype,
                       std::vector<int64_t>* truncated) {
  for (const auto& text : texts)
    io::expect_asked(text.pair, classifier.hub.text_pairs, "predict", "");
  const runtime::EvalScope scope(*classifier.model, dtype);
  std::vector<int64_t> cut;
  const auto batch =
      data::make_text_batch(texts, *classifier.tokenizer, classifier.max_length, &cut);
  for (const int64_t tokens : cut) expect_whole(classifier, tokens);
  if (truncated) *truncated = std::move(cut);
  auto rows = classifier.model->forward(text_input(batch.to(scope.device())))
                  .to(torch::kFloat)
                  .softmax(1)
                  .cpu();
  expect_finite(rows);
  return rows;
}

}  // namespace braid::tasks
