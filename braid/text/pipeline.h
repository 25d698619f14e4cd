// A tokenizer of the parts that a tokenizer.json names: added tokens, normalizer, pre-tokenizers,
// model, post-processor, decoder.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/text/added_tokens.h"
#include "braid/text/bert_normalizer.h"
#include "braid/text/decoder.h"
#include "braid/text/post_processor.h"
#include "braid/text/pre_tokenizer.h"
#include "braid/text/subword_model.h"
#include "braid/text/tokenizer.h"

namespace braid::text {

struct PipelineParts {
  std::string file;  // for errors
  std::optional<BertNormalizerOptions> normalizer;
  std::vector<PreTokenizer> pre_tokenizers;
  bool byte_level = false;  // words are bytes
  std::shared_ptr<const SubwordModel> model;
  AddedTokens added;
  PostProcessor post;
  TokenDecoder decoder;
  SpecialTokens special;
  std::vector<int32_t> special_ids;   // those too that have no name in `special`; sorted
  bool split_special_tokens = false;  // their names in a text are words like others
  // What is saved: the files as they were read.
  std::string tokenizer_json, tokenizer_config;
};

TokenizerPtr make_pipeline(PipelineParts parts);

}  // namespace braid::text
