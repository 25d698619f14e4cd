// Vocabularies of older formats as a tokenizer.json.
#pragma once
#include <string>

#include "braid/core/json.h"

namespace braid::text {

// BERT's vocab.txt, a token a line. config: tokenizer_config.json beside it, or null:
// do_lower_case, strip_accents, tokenize_chinese_chars, names of special tokens.
Json json_of_vocab_txt(const std::string& text, const std::string& file, const Json& config);
// vocab.json and merges.txt of GPT-2 and RoBERTa.
Json json_of_bpe_files(const Json& vocab, const std::string& file, const std::string& merges,
                       const std::string& merges_file, const Json& config);
// A tokenizer_config.json with which transformers loads such a tokenizer.json.
Json default_config(const Json& tokenizer_json);
// Parts of a tokenizer.json.
Json bert_template(const std::string& cls, int64_t cls_id, const std::string& sep, int64_t sep_id);
Json added_token(const std::string& content, int64_t id);  // special, found in the text as it is

}  // namespace braid::text
