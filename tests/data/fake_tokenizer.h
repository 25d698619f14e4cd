// A tokenizer of few numbers: words are cut into pieces of three bytes, whose numbers are hashes.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::data {

class FakeTokenizer final : public text::Tokenizer {
 public:
  static constexpr int32_t kPad = 0, kUnk = 1, kCls = 2, kSep = 3, kMask = 4, kFirst = 5;

  // others: special tokens without a name of their own.
  explicit FakeTokenizer(bool with_special = true, std::vector<int32_t> others = {})
      : with_special_(with_special), others_(std::move(others)) {
    if (with_special) special_ = {kPad, kUnk, kCls, kSep, kMask, std::nullopt, std::nullopt};
  }
  static int32_t number(std::string_view piece) {
    uint32_t hash = 2166136261u;
    for (const char c : piece) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return kFirst + static_cast<int32_t>(hash % 95);
  }
  text::Encoding encode(std::string_view text, const text::EncodeOptions& options) const override {
    text::Encoding out;
    const bool around = options.add_special_tokens && with_special_;
    if (around) add(out, kCls, 0, -1, true);
    add_words(out, text, 0, room(options, around ? 2 : 0));
    if (around) add(out, kSep, 0, -1, true);
    return out;
  }
  text::Encoding encode_pair(std::string_view text, std::string_view pair,
                             const text::EncodeOptions& options) const override {
    auto out = encode(
        text, {options.add_special_tokens, options.max_length == 0 ? 0 : options.max_length / 2});
    add_words(out, pair, 1, room(options, static_cast<int64_t>(out.ids.size()) + 1));
    if (with_special_) add(out, kSep, 1, -1, true);
    return out;
  }
  std::string decode(const std::vector<int32_t>&, bool) const override { return ""; }
  int64_t vocab_size() const override { return 100; }
  std::optional<int32_t> token_to_id(std::string_view token) const override {
    return number(token);
  }
  std::string id_to_token(int32_t id) const override { return std::to_string(id); }
  const text::SpecialTokens& special() const override { return special_; }
  std::vector<int32_t> special_ids() const override {
    auto ids = text::ids_of(special_);
    ids.insert(ids.end(), others_.begin(), others_.end());
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::string kind() const override { return "fake"; }
  void save(const std::filesystem::path&) const override {}

 private:
  static int64_t room(const text::EncodeOptions& options, int64_t used) {
    return options.max_length == 0 ? int64_t{1} << 40 : options.max_length - used;
  }
  static void add(text::Encoding& out, int32_t id, int32_t type, int32_t word, bool special) {
    out.ids.push_back(id);
    out.type_ids.push_back(type);
    out.offsets.emplace_back();
    out.words.push_back(word);
    out.special_tokens.push_back(special ? 1 : 0);
  }
  static void add_words(text::Encoding& out, std::string_view text, int32_t type, int64_t room) {
    int32_t word = 0;
    int64_t taken = 0;
    for (size_t i = 0; i < text.size(); ++word) {
      while (i < text.size() && (text[i] == ' ' || text[i] == '\n')) ++i;
      const size_t end = std::min(text.find_first_of(" \n", i), text.size());
      for (; i < end; i += std::min<size_t>(3, end - i)) {
        if (++taken > room) {
          ++out.truncated;
          continue;
        }
        add(out, number(text.substr(i, std::min<size_t>(3, end - i))), type, word, false);
      }
    }
  }

  bool with_special_;
  std::vector<int32_t> others_;
  text::SpecialTokens special_;
};

}  // namespace braid::data
