// Any bytes as a SentencePiece model: what the check lets through, the library must survive.
#include <string>

#include "braid/core/error.h"
#include "braid/text/sentencepiece_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto tokenizer = braid::text::sentencepiece_of(
        std::string(reinterpret_cast<const char*>(data), size), "bytes");
    tokenizer->decode(tokenizer->encode("Ab ab \u00e9\uff21 \xff yyyy").ids);
  } catch (const braid::Error&) {
  }
  return 0;
}
