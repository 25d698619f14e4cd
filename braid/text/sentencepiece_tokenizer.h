// A SentencePiece model: its own library, behind a check of the file.
#pragma once
#include <filesystem>

#include "braid/text/tokenizer.h"

namespace braid::text {

// Throws IoError, or DataError for a file that is none, or that would make the library fail.
TokenizerPtr load_sentencepiece(const std::filesystem::path& file);
// Of a model's bytes. name: for errors.
TokenizerPtr sentencepiece_of(std::string model, const std::string& name);
// The library then prints nothing but errors.
void silence_sentencepiece();

}  // namespace braid::text
