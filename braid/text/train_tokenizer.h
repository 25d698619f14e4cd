// Vocabularies learned from texts. The same texts in any order give the same tokenizer, which
// saves what `tokenizers` or SentencePiece load and tokenize with alike.
#pragma once
#include <cstdint>
#include <string>

#include "braid/text/text_source.h"
#include "braid/text/tokenizer.h"

namespace braid::text {

struct WordPieceTraining {
  int64_t vocab_size = 30522;     // tokens, at most
  int64_t min_frequency = 2;      // of a pair that is joined
  int64_t limit_alphabet = 1000;  // characters that are kept, the most frequent; 0: all
  bool lowercase = true;          // strips accents too
};
TokenizerPtr train_wordpiece(const TextSource& texts, const WordPieceTraining& options);

// Byte-level, with RoBERTa's special tokens and what it puts around a text.
struct BpeTraining {
  int64_t vocab_size = 32000;
  int64_t min_frequency = 2;
  bool add_prefix_space = false;
};
TokenizerPtr train_bpe(const TextSource& texts, const BpeTraining& options);

// Pieces 0 to 2 are <pad>, </s> and <unk>, as T5 has them; </s> ends a text.
struct SentencePieceTraining {
  std::string type = "unigram";  // or bpe
  int64_t vocab_size = 8000;
  double character_coverage = 0.9995;  // share of the characters that get a piece
  bool byte_fallback = false;          // others are spelled by their bytes
};
TokenizerPtr train_sentencepiece(const TextSource& texts, const SentencePieceTraining& options);

}  // namespace braid::text
