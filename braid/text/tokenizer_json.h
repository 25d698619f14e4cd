// tokenizer.json, as `tokenizers` of Hugging Face writes it.
#pragma once
#include <string>

#include "braid/text/json_field.h"
#include "braid/text/pipeline.h"

namespace braid::text {

// config: tokenizer_config.json beside it, or null. Throws DataError naming the field that is
// wrong, or that braid does not know.
PipelineParts read_tokenizer_json(const Json& json, const Json& config, const std::string& file);

// The parts that stand in files of their own.
std::shared_ptr<const SubwordModel> read_subword_model(const JsonField& model, bool byte_level);
AddedTokens read_added_tokens(const JsonField& file, const PipelineParts& parts);
PostProcessor read_post_processor(const JsonField& post, const PipelineParts& parts);
// From tokenizer_config.json, else by the names that are usual.
SpecialTokens find_special_tokens(const PipelineParts& parts, const Json& config,
                                  const std::string& unk_token, const std::string& pad_token);
// parts.special, what was added as special, and what tokenizer_config.json names beside these;
// sorted.
std::vector<int32_t> find_special_ids(const PipelineParts& parts, const Json& config);

}  // namespace braid::text
