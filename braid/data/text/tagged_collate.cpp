#include "braid/data/text/tagged_collate.h"

#include <fmt/format.h>

#include "braid/core/error.h"
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
                    .first_tokens = std::vector<int64_t>(words.size(), -1)};
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

Batch TaggedCollate::operator()(const std::vector<int64_t>& indices, const Place&,
                                BadSamples& bad) const {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<std::vector<int64_t>> labels;
  for (const int64_t index : indices) {
    const auto& sentence = texts_->get(index);
    WordTokens tokens;
    if (!bad.guard([&] { tokens = tokenize_words(sentence.words, *tokenizer_, max_length_); }))
      continue;
    auto& row_labels = labels.emplace_back(tokens.ids.size(), kNoTag);
    for (size_t word = 0; word < tokens.first_tokens.size(); ++word)
      if (const int64_t token = tokens.first_tokens[word]; token >= 0)
        row_labels[static_cast<size_t>(token)] = sentence.tags[word];
    rows.push_back({std::move(tokens.ids), std::move(tokens.type_ids)});
    batch.indices.push_back(index);
  }
  pad_rows(rows, *tokenizer_, batch);
  auto all = torch::full_like(batch.at(kInputIds), kNoTag);  // [B,N]
  for (size_t i = 0; i < labels.size(); ++i)
    std::copy(labels[i].begin(), labels[i].end(),
              all.data_ptr<int64_t>() + static_cast<int64_t>(i) * all.size(1));
  batch.tensors[kLabels] = all;
  return batch;
}

}  // namespace braid::data
