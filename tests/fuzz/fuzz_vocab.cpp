// Any bytes as BERT's vocab.txt, and as merges of a vocabulary of letters.
#include <string>

#include "braid/core/error.h"
#include "braid/text/tokenizer_json.h"
#include "braid/text/vocabulary_files.h"

namespace {

void try_json(const braid::Json& json) {
  const auto tokenizer =
      braid::text::make_pipeline(braid::text::read_tokenizer_json(json, nullptr, "bytes"));
  tokenizer->decode(tokenizer->encode("Ab abc \u00e9 [MASK]").ids);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    try_json(braid::text::json_of_vocab_txt(bytes, "bytes", nullptr));
  } catch (const braid::Error&) {
  }
  try {
    const braid::Json vocab = {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"abc", 4}, {"bc", 5}};
    try_json(braid::text::json_of_bpe_files(vocab, "letters", bytes, "bytes", nullptr));
  } catch (const braid::Error&) {
  }
  return 0;
}
