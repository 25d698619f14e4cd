#include "braid/data/text/tagged_collate.h"

#include <fmt/format.h>

#include <atomic>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/each_index.h"
#include "braid/data/text/text_collate.h"

namespace braid::data {

WordTokens tokenize_words(const std::vector<std::string>& words, const text::Tokenizer& tokenizer,
                          int64_t max_length) {
  std::string text;
  std::vector<size_t> ends;  // of each word, in bytes
  for (const auto& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
    ends.push_back(text.size());
  }
  auto encoding = tokenizer.encode(text, {.max_length = max_length});
  WordTokens tokens{.ids = std::move(encoding.ids),
                    .type_ids = std::move(encoding.type_ids),
                    .first_tokens = std::vector<int64_t>(words.size(), -1),
                    .truncated = encoding.truncated};
  size_t word = 0;
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    const auto span = encoding.offsets[i];
    if (encoding.special_tokens[i] != 0 || span.begin == span.end) continue;
    // By its last byte: a token may begin with the space before its word.
    while (word < words.size() && ends[word] < span.end) ++word;
    if (word < words.size() && tokens.first_tokens[word] < 0)
      tokens.first_tokens[word] = static_cast<int64_t>(i);
  }
  return tokens;
}

TaggedCollate::TaggedCollate(TaggedTextsPtr texts, text::TokenizerPtr tokenizer, int64_t max_length)
    : texts_(std::move(texts)), tokenizer_(std::move(tokenizer)), max_length_(max_length) {
  constexpr int64_t kLeast = 4;
  if (max_length != 0 && max_length < kLeast)
    throw ConfigError("data",
                      fmt::format("expected texts of at least {} tokens, got a maximum of {}",
                                  kLeast, max_length),
                      "--max-length");
}

void TaggedCollate::count_cut(int64_t threads) {
  std::atomic<int64_t> cut = 0;
  for_each_index(static_cast<size_t>(texts_->size()), threads, [&](size_t i) {
    can_read([&] {
      const auto& words = texts_->get(static_cast<int64_t>(i)).words;
      cut += tokenize_words(words, *tokenizer_, max_length_).truncated > 0 ? 1 : 0;
    });
  });
  cut_ = {.count = cut, .of = texts_->size(), .max_length = max_length_, .items = "sentences"};
}

Batch TaggedCollate::operator()(const std::vector<int64_t>& indices, const Place&,
                                BadSamples& bad) const {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<std::vector<int64_t>> first_tokens;
  for (const int64_t index : indices) {
    WordTokens tokens;
    if (!bad.guard(
            [&] { tokens = tokenize_words(texts_->get(index).words, *tokenizer_, max_length_); }))
      continue;
    rows.push_back({std::move(tokens.ids), std::move(tokens.type_ids)});
    first_tokens.push_back(std::move(tokens.first_tokens));
    batch.indices.push_back(index);
  }
  pad_rows(rows, *tokenizer_, batch);
  const auto& ids = batch.at(kInputIds);  // [B,N]
  auto labels = torch::full_like(ids, kNoTag), words = torch::full_like(ids, -1);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<int64_t>(i) * ids.size(1);
    const auto& tags = texts_->get(batch.indices[i]).tags;
    for (size_t word = 0; word < tags.size(); ++word) {
      if (first_tokens[i][word] < 0) continue;
      labels.data_ptr<int64_t>()[row + first_tokens[i][word]] = tags[word];
      words.data_ptr<int64_t>()[row + first_tokens[i][word]] = static_cast<int64_t>(word);
    }
  }
  batch.tensors[kLabels] = labels;
  batch.tensors[kWordIds] = words;
  return batch;
}

}  // namespace braid::data
