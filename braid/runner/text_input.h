// Texts as a model's input, by the tokenizer that the file carries.
#pragma once
#include <map>
#include <string>

#include "braid/io/asked_text.h"
#include "braid/runner/session.h"
#include "braid/text/tokenizer.h"

namespace braid::runner {

class TextInput {
 public:
  // Throws DataError where the file carries no tokenizer, or the model reads no tokens.
  explicit TextInput(const Session& session);
  // input_ids, attention_mask and token_type_ids of one text or pair, int64 [1,N], as far as the
  // model reads them. of_text: encode()'s.
  std::map<std::string, Tensor> prepare(const Session& session,
                                        const text::Encoding& of_text) const;
  // Cut to what the model takes; safe to use from several threads. Throws DataError for one text
  // where it judges pairs, and for two where it does not.
  text::Encoding encode(const io::AskedText& asked) const;
  bool pairs() const { return pairs_; }  // whether the model judges two texts together
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  int64_t max_length() const { return max_length_; }  // tokens; 0: any number

 private:
  text::TokenizerPtr tokenizer_;
  int64_t max_length_ = 0;
  bool pairs_ = false;
};

}  // namespace braid::runner
