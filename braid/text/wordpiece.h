// WordPiece: the longest piece that the vocabulary has, again and again.
#pragma once
#include "braid/text/subword_model.h"

namespace braid::text {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  size_t max_input_chars_per_word = 100;  // a longer word is unknown as a whole
};

class WordPiece final : public SubwordModel {
 public:
  // where: the vocabulary's file, for errors.
  WordPiece(Vocabulary vocabulary, WordPieceOptions options, std::string where);
  void split(std::string_view word, std::vector<Subword>& out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::string kind() const override { return "wordpiece"; }
  const WordPieceOptions& options() const { return options_; }

 private:
  Subword unknown(std::string_view word) const;

  Vocabulary vocabulary_;
  WordPieceOptions options_;
  std::string where_;
  int32_t unk_ = -1;
  TokenHash continuing_;
};

}  // namespace braid::text
