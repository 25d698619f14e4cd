// Tokens back to text, as the decoders of `tokenizers` do it.
#pragma once
#include <string>
#include <vector>

namespace braid::text {

struct TokenDecoder {
  enum class Kind {
    kNone,       // joined by spaces
    kWordPiece,  // prefixed pieces are joined
    kByteLevel,  // the bytes that the tokens spell; what is no UTF-8 becomes U+FFFD
    kBpe,        // a suffix ends each word
  };
  Kind kind = Kind::kNone;
  std::string prefix = "##";    // of kWordPiece
  bool cleanup = true;          // of kWordPiece: no space before . ? ! , and contractions
  std::string suffix = "</w>";  // of kBpe
  std::string decode(const std::vector<std::string>& tokens) const;
};

}  // namespace braid::text
