// Batches of plain text with tokens hidden, for masked language modelling.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/data/collate.h"
#include "braid/data/random.h"
#include "braid/data/text/plain_text.h"
#include "braid/data/text/text_collate.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

// [B] int64, Hugging Face's: 0, the second text follows the first; 1, it is another's.
inline constexpr const char* kNextSentenceLabel = "next_sentence_label";
// [B,N] float64 from 0 to below 1, by which a token may be drawn where labels ask for one.
inline constexpr const char* kDraws = "draws";

struct MaskingConfig {
  double probability = 0.15;   // of a token, or of a word, to be asked for
  bool whole_words = false;    // all tokens of a word or none
  bool next_sentence = false;  // rows are two texts; half of them do not belong together
  // The blocks from the first to before the last of which a second text that does not belong to the
  // first may be; 0 and 0: all.
  int64_t others_begin = 0, others_end = 0;
  // Of the tokens that are asked for, those that become the mask token and those that become
  // another one; the others stay.
  double masked = 0.8, replaced = 0.1;  // BERT's
  bool draws = false;                   // kDraws is wanted
  int64_t seed = 0;
};

// Of the tokens that are asked for most become the mask token (MaskingConfig). What is drawn
// depends on seed, epoch and block alone, not on the batch around it. At least one token of a row
// is asked for; special tokens never are, nor do they stand in for others.
class MaskedLmCollate final : public Collate {
 public:
  // Throws ConfigError for a probability outside of 0 to 1, a tokenizer without a mask token, or
  // next_sentence with second texts of less than two whole documents.
  MaskedLmCollate(TokenBlocksPtr blocks, text::TokenizerPtr tokenizer, const MaskingConfig& config);

  // input_ids, attention_mask, token_type_ids, labels [B,N] int64; labels: -100 where nothing is
  // asked. next_sentence_label with next_sentence; draws with draws.
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;

 private:
  struct Masked {
    TokenRow row;
    std::vector<int64_t> labels;
    std::vector<double> draws;
    int64_t next_sentence = 0;
  };
  Masked make_row(int64_t index, int64_t epoch) const;
  TokenBlocks::Block second_text(int64_t index, Random& random) const;
  void mask(Masked& masked, const std::vector<uint8_t>& begins_word,
            const std::vector<uint8_t>& special, Random& random) const;
  int32_t random_token(Random& random) const;

  TokenBlocksPtr blocks_;
  text::TokenizerPtr tokenizer_;
  MaskingConfig config_;
  std::vector<int32_t> special_;  // sorted
};

}  // namespace braid::data
