#include "braid/tasks/text/token_classification.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/sampler.h"
#include "braid/data/summary.h"
#include "braid/data/text/tagged_collate.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/split_part.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/tasks/text/text_facts.h"

namespace braid::tasks {
namespace {

namespace F = torch::nn::functional;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// What most sentences have, up to `most`.
int64_t sentence_length(const data::TaggedTexts& texts, const text::Tokenizer& tokenizer,
                        int64_t most) {
  constexpr int64_t kSentences = 1000, kWhole = 8;
  const int64_t count = std::min(kSentences, texts.size());
  int64_t longest = kWhole;
  for (int64_t i = 0; i < count; ++i) {
    const auto& words = texts.get(i * texts.size() / count).words;
    longest = std::max(longest,
                       static_cast<int64_t>(data::tokenize_words(words, tokenizer, 0).ids.size()));
  }
  return std::min((longest + kWhole - 1) / kWhole * kWhole, most);
}

}  // namespace

TokenClassification::TokenClassification(const TaskConfig& config, data::TaggedSplits splits,
                                         TokenizedModel tagger)
    : config_(config), splits_(std::move(splits)), tagger_(std::move(tagger)) {}

std::unique_ptr<data::Loader> TokenClassification::training_loader(
    const TrainingData& options) const {
  auto collate =
      std::make_shared<data::TaggedCollate>(splits_.train, tagger_.tokenizer, tagger_.max_length);
  collate->count_cut(std::max<int64_t>(1, options.workers));
  return std::make_unique<data::Loader>(
      std::move(collate),
      std::make_unique<data::Shuffled>(splits_.train->size(), options.batch_size, options.seed),
      data::LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

Step TokenClassification::training_step(const data::Batch& batch) {
  const auto logits = forward(batch).to(torch::kFloat);  // [B,N,K]
  const auto labels = batch.at(data::kLabels).flatten();
  const auto words = static_cast<double>(labels.ne(data::kNoTag).sum().item<int64_t>());
  auto loss = F::cross_entropy(logits.flatten(0, 1), labels,
                               F::CrossEntropyFuncOptions()
                                   .ignore_index(data::kNoTag)
                                   .label_smoothing(config_.smoothing)
                                   .reduction(torch::kSum)) /
              std::max(words, 1.0);
  return {loss, words};
}

Scores TokenClassification::evaluate(Split split, const EvaluateOptions& options,
                                     Progress& progress) {
  const auto& part = part_of(splits_, split);
  try {
    const auto scores = score_tags(tagger_, part, options, progress);
    unread_[split] = scores.bad_samples;
    return to_scores(scores, part->tags());
  } catch (const NonFiniteOutputError&) {  // whoever trains it says what became of it
    return without_values(to_scores({}, part->tags()));
  }
}

int64_t TokenClassification::unread(Split split) const {
  const auto found = unread_.find(split);
  return found == unread_.end() ? 0 : found->second;
}

data::Summary TokenClassification::data() const {
  const auto size = [](const data::TaggedTextsPtr& part) { return part ? part->size() : 0; };
  return {.classes = static_cast<int64_t>(splits_.train->tags().size()),
          .train = size(splits_.train),
          .val = size(splits_.val),
          .test = size(splits_.test),
          .left_out = splits_.left_out};
}

void TokenClassification::save(const std::filesystem::path& folder) const {
  save_tokenized_model(tagger_, folder);
}

TokenClassificationData::TokenClassificationData(data::TaggedSplits splits, std::string spec)
    : splits_(std::move(splits)), spec_(std::move(spec)) {
  if (!splits_.train || !splits_.val)
    throw DataError("data", "expected two sentences or more to train and validate with, got fewer",
                    spec_);
}

std::vector<std::string> TokenClassificationData::remarks() const {
  return data::remarks_on(splits_.left_out, splits_.remarks, spec_);
}

TokenizedModel TokenClassificationData::make_tagger(const TaskConfig& config, int64_t seed,
                                                    Progress& progress) const {
  auto& tokenizer = tokenizers_[tokenizer_source(config, std::to_string(config.text.vocab_size))];
  if (!tokenizer) {
    int64_t next = 0;
    const text::TextSource sentences = [&](std::string& text) {
      if (next == splits_.train->size()) return false;
      text = joined(splits_.train->get(next++).words);
      return true;
    };
    tokenizer = make_tokenizer(config, sentences, progress);
  }
  const auto longest = [&](int64_t most) {
    return sentence_length(*splits_.train, *tokenizer, most);
  };
  return make_tokenized_model(config, models::TextHead::kTokenClassification, splits_.train->tags(),
                              tokenizer, seed, longest, progress);
}

TrainingFacts TokenClassificationData::facts(const TaskConfig& config, const FactOptions& options,
                                             Progress& progress) const {
  const auto made = make_tagger(config, options.seed, progress);
  return text_facts(made, splits_.train->size(), config, options, [&] { return made.max_length; });
}

std::unique_ptr<Task> TokenClassificationData::make_task(const TaskConfig& config,
                                                         const TaskOptions& options,
                                                         Progress& progress) const {
  auto tagger = options.checkpoint.empty() ? make_tagger(config, options.seed, progress)
                                           : restore_tokenized_model(options.checkpoint);
  if (!options.checkpoint.empty())
    expect_same_classes(tagger.hub.classes, splits_.train->tags(), config.data);
  return std::make_unique<TokenClassification>(config, splits_, std::move(tagger));
}

}  // namespace braid::tasks
