// Texts as a model's input, by the tokenizer that the file carries.
#pragma once
#include <map>
#include <string>

#include "braid/runner/session.h"
#include "braid/text/tokenizer.h"

namespace braid::runner {

class TextInput {
 public:
  // Throws DataError where the file carries no tokenizer, or the model reads no tokens.
  explicit TextInput(const Session& session);
  // input_ids, attention_mask and token_type_ids of one text, int64 [1,N], as far as the model
  // reads them. of_text: encode()'s.
  std::map<std::string, Tensor> prepare(const Session& session,
                                        const text::Encoding& of_text) const;
  // Cut to what the model takes; safe to use from several threads.
  text::Encoding encode(const std::string& text) const;
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  int64_t max_length() const { return max_length_; }  // tokens; 0: any number

 private:
  text::TokenizerPtr tokenizer_;
  int64_t max_length_ = 0;
};

}  // namespace braid::runner
