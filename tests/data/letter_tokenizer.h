// A tokenizer that can be worked out by hand: a token for every byte, and one that ends a text.
#pragma once
#include <memory>
#include <string>

#include "braid/core/error.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

// 0: padding, 1: end; byte b is b + 2. The byte "!" cannot be encoded.
class LetterTokenizer final : public text::Tokenizer {
 public:
  static constexpr int32_t kPad = 0, kEos = 1, kFirst = 2;
  LetterTokenizer() {
    special_.pad = kPad;
    special_.eos = kEos;
  }
  text::Encoding encode(std::string_view text, const text::EncodeOptions& options) const override {
    text::Encoding encoding;
    for (const char c : text) {
      if (c == '!') throw DataError("letters", "expected no exclamation mark");
      encoding.ids.push_back(static_cast<uint8_t>(c) + kFirst);
    }
    if (options.add_special_tokens) encoding.ids.push_back(kEos);
    return encoding;
  }
  text::Encoding encode_pair(std::string_view text, std::string_view,
                             const text::EncodeOptions& options) const override {
    return encode(text, options);
  }
  std::string decode(const std::vector<int32_t>& ids, bool) const override {
    std::string text;
    for (const int32_t id : ids)
      if (id >= kFirst) text += static_cast<char>(id - kFirst);
    return text;
  }
  int64_t vocab_size() const override { return 256 + kFirst; }
  std::optional<int32_t> token_to_id(std::string_view) const override { return {}; }
  std::string id_to_token(int32_t) const override { return {}; }
  const text::SpecialTokens& special() const override { return special_; }
  std::string kind() const override { return "letters"; }
  void save(const std::filesystem::path&) const override {}

 private:
  text::SpecialTokens special_;
};

}  // namespace braid::data
