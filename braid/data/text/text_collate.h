// Batches of labelled texts: tokenized, cut, padded.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/collate.h"
#include "braid/data/loader.h"
#include "braid/data/random.h"
#include "braid/data/text/text_dataset.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

// What only training does to texts.
struct TrainingTexts {
  double word_drop = 0;  // share of the words that are left out, another choice every epoch; 0 to 1
  int64_t seed = 0;      // of everything that is drawn
  // An epoch holds every class as often (data/sampler.h's ClassBalanced), and so some texts several
  // times, each time with other words left out.
  bool balanced = false;
};

// The rows of a batch before they are padded.
struct TokenRow {
  std::vector<int32_t> ids, type_ids;
};

// input_ids, attention_mask and token_type_ids, [B,N] int64: N is the longest row's number of
// tokens. A row without any is one padding token that is attended to, since a text needs one.
void pad_rows(const std::vector<TokenRow>& rows, const text::Tokenizer& tokenizer, Batch& batch);

// Of texts as evaluation sees them, with `labels` where there are any; max_length: tokens, 0: any.
// truncated: gets the tokens that are cut from each text.
Batch make_text_batch(const std::vector<TextExample>& texts, const text::Tokenizer& tokenizer,
                      int64_t max_length, std::vector<int64_t>* truncated = nullptr);

class TextCollate final : public Collate {
 public:
  // max_length: tokens of a row, the special ones too; what is longer is cut at its end; 0: any.
  // As evaluation sees texts, or as training does. Throws ConfigError for a share outside of 0 to 1
  // or a length without room for a text.
  TextCollate(TextDatasetPtr dataset, text::TokenizerPtr tokenizer, int64_t max_length,
              const std::optional<TrainingTexts>& training = {});

  // input_ids, attention_mask, token_type_ids [B,N] int64; labels [B] int64.
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;

  // Reads and tokenizes every text once, in `threads` threads, and keeps the tokens where they take
  // less than 256 MB: no batch is tokenized again then. Texts that cannot be read are left to the
  // batches.
  void prepare(int64_t threads);
  // After prepare(): tokens of each text's row; 0: it cannot be read.
  const std::vector<int64_t>& lengths() const { return lengths_; }
  // After prepare(): texts that are longer than max_length, and tokens that are cut from all.
  int64_t truncated_texts() const { return truncated_texts_; }
  int64_t truncated_tokens() const { return truncated_tokens_; }
  CutExamples cut() const override {
    return {.count = truncated_texts_, .of = dataset_->size(), .max_length = max_length_};
  }

 private:
  struct Kept {
    TokenRow row;
    std::vector<int32_t> words;  // only where words are dropped
  };
  text::Encoding encode(int64_t index) const;
  TokenRow make_row(int64_t index, size_t row_of_batch, const Place& place) const;
  void drop_words(TokenRow& row, const std::vector<int32_t>& words, Random random) const;

  TextDatasetPtr dataset_;
  text::TokenizerPtr tokenizer_;
  int64_t max_length_;
  std::optional<TrainingTexts> training_;
  std::vector<Kept> kept_;  // empty: each batch is tokenized
  std::vector<int64_t> lengths_;
  int64_t truncated_texts_ = 0, truncated_tokens_ = 0;
};

// Texts of similar length share a batch, since padding is computed like text: shuffled for
// training, the shortest ones first otherwise. Every text is tokenized before the first batch.
struct TextLoaderOptions {
  int64_t batch_size = 32;
  int64_t workers = 2;                  // threads; 0: load in next()
  std::string on_bad_sample = "error";  // error, skip
  int64_t max_length = 512;             // tokens; 0: any
  std::optional<TrainingTexts> training = {};
};
std::unique_ptr<Loader> make_text_loader(const TextDatasetPtr& dataset,
                                         const text::TokenizerPtr& tokenizer,
                                         const TextLoaderOptions& options);

}  // namespace braid::data
