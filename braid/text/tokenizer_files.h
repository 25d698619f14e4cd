// A tokenizer's files within another file, such as the metadata of an exported model.
#pragma once
#include <array>

namespace braid::text {

// The names of those that a tokenizer may consist of.
inline constexpr std::array<const char*, 11> kTokenizerFiles = {"tokenizer.json",
                                                                "tokenizer_config.json",
                                                                "vocab.txt",
                                                                "vocab.json",
                                                                "merges.txt",
                                                                "spiece.model",
                                                                "sentencepiece.bpe.model",
                                                                "source.spm",
                                                                "target.spm",
                                                                "added_tokens.json",
                                                                "special_tokens_map.json"};
// Behind the name of one that is no text.
inline constexpr const char* kBase64Suffix = ";base64";

}  // namespace braid::text
