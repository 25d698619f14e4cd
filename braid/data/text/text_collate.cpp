#include "braid/data/text/text_collate.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/each_index.h"
#include "braid/data/length_bucketed.h"
#include "braid/data/stratify.h"

namespace braid::data {
namespace {

constexpr int64_t kMostKeptBytes = int64_t{256} << 20;

text::Encoding encode_example(const TextExample& example, const text::Tokenizer& tokenizer,
                              int64_t max_length) {
  const text::EncodeOptions options{.max_length = max_length};
  return example.pair ? tokenizer.encode_pair(example.text, *example.pair, options)
                      : tokenizer.encode(example.text, options);
}

torch::Tensor labels_tensor(const std::vector<int64_t>& labels) {
  return torch::tensor(labels, torch::kInt64);
}

}  // namespace

void pad_rows(const std::vector<TokenRow>& rows, const text::Tokenizer& tokenizer, Batch& batch) {
  size_t longest = 1;
  for (const auto& row : rows) longest = std::max(longest, row.ids.size());
  const auto count = static_cast<int64_t>(rows.size()), width = static_cast<int64_t>(longest);
  const auto& special = tokenizer.special();
  const int64_t pad = special.pad ? *special.pad : special.eos.value_or(0);
  auto ids = torch::full({count, width}, pad, torch::kInt64);
  auto mask = torch::zeros({count, width}, torch::kInt64);
  auto types = torch::zeros({count, width}, torch::kInt64);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    const size_t begin = i * longest;
    std::copy(row.ids.begin(), row.ids.end(), ids.data_ptr<int64_t>() + begin);
    std::copy(row.type_ids.begin(), row.type_ids.end(), types.data_ptr<int64_t>() + begin);
    std::fill_n(mask.data_ptr<int64_t>() + begin, std::max<size_t>(row.ids.size(), 1), 1);
  }
  batch.tensors[kInputIds] = ids;
  batch.tensors[kAttentionMask] = mask;
  batch.tensors[kTokenTypeIds] = types;
}

Batch make_text_batch(const std::vector<TextExample>& texts, const text::Tokenizer& tokenizer,
                      int64_t max_length, std::vector<int64_t>* truncated) {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<int64_t> labels;
  if (truncated) truncated->clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    auto encoding = encode_example(texts[i], tokenizer, max_length);
    if (truncated) truncated->push_back(encoding.truncated);
    rows.push_back({std::move(encoding.ids), std::move(encoding.type_ids)});
    labels.push_back(texts[i].label);
    batch.indices.push_back(static_cast<int64_t>(i));
  }
  pad_rows(rows, tokenizer, batch);
  batch.tensors[kLabels] = labels_tensor(labels);
  return batch;
}

TextCollate::TextCollate(TextDatasetPtr dataset, text::TokenizerPtr tokenizer, int64_t max_length,
                         const std::optional<TrainingTexts>& training)
    : dataset_(std::move(dataset)),
      tokenizer_(std::move(tokenizer)),
      max_length_(max_length),
      training_(training) {
  constexpr int64_t kLeast = 4;  // [CLS], [SEP] twice, and a token
  if (max_length != 0 && max_length < kLeast)
    throw ConfigError("data",
                      fmt::format("expected texts of at least {} tokens, got a maximum of {}",
                                  kLeast, max_length),
                      "--max-length");
  if (training_ && !(training_->word_drop >= 0 && training_->word_drop < 1))
    throw ConfigError(
        "data", fmt::format("expected a share from 0 to below 1, got {}", training_->word_drop),
        "--word-drop");
}

text::Encoding TextCollate::encode(int64_t index) const {
  return encode_example(dataset_->get(index), *tokenizer_, max_length_);
}

// Tokens of a word go together; at least one word stays, and so does what is none.
void TextCollate::drop_words(TokenRow& row, const std::vector<int32_t>& words,
                             Random random) const {
  const auto drops = [&] { return random.uniform() < training_->word_drop; };
  std::vector<char> dropped(row.ids.size());
  bool any_left = false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] < 0) continue;
    const bool goes_on =
        i > 0 && words[i] == words[i - 1] && row.type_ids[i] == row.type_ids[i - 1];
    dropped[i] = goes_on ? dropped[i - 1] : static_cast<char>(drops());
    any_left = any_left || dropped[i] == 0;
  }
  if (!any_left) return;
  size_t kept = 0;
  for (size_t i = 0; i < row.ids.size(); ++i) {
    if (dropped[i] != 0) continue;
    row.ids[kept] = row.ids[i];
    row.type_ids[kept++] = row.type_ids[i];
  }
  row.ids.resize(kept);
  row.type_ids.resize(kept);
}

TokenRow TextCollate::make_row(int64_t index, size_t row_of_batch, const Place& place) const {
  const bool drops = training_ && training_->word_drop > 0;
  TokenRow row;
  std::vector<int32_t> words;
  if (!kept_.empty() && lengths_[static_cast<size_t>(index)] > 0) {
    const auto& kept = kept_[static_cast<size_t>(index)];
    row = kept.row;
    if (drops) words = kept.words;
  } else {
    auto encoding = encode(index);
    row = {std::move(encoding.ids), std::move(encoding.type_ids)};
    words = std::move(encoding.words);
  }
  if (drops)
    drop_words(
        row, words,
        Random(static_cast<uint64_t>(training_->seed), static_cast<uint64_t>(place.epoch),
               training_->balanced ? place.item(row_of_batch) : static_cast<uint64_t>(index)));
  return row;
}

Batch TextCollate::operator()(const std::vector<int64_t>& indices, const Place& place,
                              BadSamples& bad) const {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<int64_t> labels;
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t index = indices[i];
    TokenRow row;
    if (!bad.guard([&] { row = make_row(index, i, place); })) continue;
    rows.push_back(std::move(row));
    labels.push_back(dataset_->label(index));
    batch.indices.push_back(index);
  }
  pad_rows(rows, *tokenizer_, batch);
  batch.tensors[kLabels] = labels_tensor(labels);
  return batch;
}

void TextCollate::prepare(int64_t threads) {
  const auto count = static_cast<size_t>(dataset_->size());
  const bool drops = training_ && training_->word_drop > 0;
  std::vector<Kept> kept(count);
  std::vector<int64_t> lengths(count);
  std::atomic<int64_t> bytes = 0, texts = 0, tokens = 0;
  const auto prepare_one = [&](size_t i) {
    can_read([&] {
      auto encoding = encode(static_cast<int64_t>(i));
      lengths[i] = std::max<int64_t>(1, static_cast<int64_t>(encoding.ids.size()));
      texts += encoding.truncated > 0 ? 1 : 0;
      tokens += encoding.truncated;
      const int64_t lists = drops ? 3 : 2;
      bytes += static_cast<int64_t>(sizeof(Kept)) + 4 * lists * lengths[i];
      if (bytes > kMostKeptBytes) return;
      kept[i].row = {std::move(encoding.ids), std::move(encoding.type_ids)};
      kept[i].row.ids.shrink_to_fit();
      kept[i].row.type_ids.shrink_to_fit();
      if (drops) kept[i].words = std::move(encoding.words);
    });
  };
  for_each_index(count, threads, prepare_one);
  lengths_ = std::move(lengths);
  truncated_texts_ = texts;
  truncated_tokens_ = tokens;
  kept_ = bytes > kMostKeptBytes ? std::vector<Kept>() : std::move(kept);
}

std::unique_ptr<Loader> make_text_loader(const TextDatasetPtr& dataset,
                                         const text::TokenizerPtr& tokenizer,
                                         const TextLoaderOptions& options) {
  auto collate =
      std::make_shared<TextCollate>(dataset, tokenizer, options.max_length, options.training);
  collate->prepare(std::max<int64_t>(1, options.workers));
  std::unique_ptr<const Sampler> sampler;
  if (options.training && options.training->balanced)
    sampler = std::make_unique<LengthGrouped>(
        collate->lengths(),
        std::make_unique<ClassBalanced>(labels_of(*dataset), options.batch_size,
                                        options.training->seed),
        options.training->seed);
  else if (options.training)
    sampler = std::make_unique<LengthGrouped>(collate->lengths(), options.batch_size,
                                              options.training->seed);
  else
    sampler =
        std::make_unique<LengthBucketed>(std::vector<std::vector<int64_t>>{collate->lengths()},
                                         LengthBucketedOptions{.max_examples = options.batch_size});
  return std::make_unique<Loader>(
      std::move(collate), std::move(sampler),
      LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

}  // namespace braid::data
