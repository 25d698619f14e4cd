// A tokenizer that can be worked out by hand: a token for every byte, and one that ends a text.
#pragma once
#include <memory>
#include <string>

#include "braid/core/error.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

// 0: padding, 1: end, of each of two texts; byte b is b + 2. The byte "!" cannot be encoded.
class LetterTokenizer final : public text::Tokenizer {
 public:
  static constexpr int32_t kPad = 0, kEos = 1, kFirst = 2;
  LetterTokenizer() {
    special_.pad = kPad;
    special_.eos = kEos;
  }
  text::Encoding encode(std::string_view text, const text::EncodeOptions& options) const override {
    text::Encoding encoding;
    add(text, 0, options, encoding);
    return encoding;
  }
  text::Encoding encode_pair(std::string_view text, std::string_view pair,
                             const text::EncodeOptions& options) const override {
    auto encoding = encode(text, options);
    encoding.pair_begin = encoding.ids.size();
    add(pair, 1, options, encoding);
    return encoding;
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
  static void add(std::string_view text, int32_t type, const text::EncodeOptions& options,
                  text::Encoding& encoding) {
    const auto push = [&](int32_t id, text::Span span, bool special) {
      encoding.ids.push_back(id);
      encoding.type_ids.push_back(type);
      encoding.offsets.push_back(span);
      encoding.special_tokens.push_back(special ? 1 : 0);
    };
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '!') throw DataError("letters", "expected no exclamation mark");
      const auto length = static_cast<int64_t>(encoding.ids.size());
      if (options.max_length > 0 &&
          length + (options.add_special_tokens ? 1 : 0) >= options.max_length)
        ++encoding.truncated;
      else
        push(static_cast<uint8_t>(text[i]) + kFirst, {i, i + 1}, false);
    }
    if (options.add_special_tokens) push(kEos, {}, true);
  }

  text::SpecialTokens special_;
};

}  // namespace braid::data
