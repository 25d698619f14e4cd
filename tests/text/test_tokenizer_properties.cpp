// What holds for any text.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <utility>

#include "braid/text/token_rows.h"
#include "braid/text/train_tokenizer.h"
#include "braid/text/unicode.h"
#include "braid/text/utf8.h"
#include "tests/text/tokenizer_files.h"

namespace braid::text {
namespace {

TextSource one_text() {
  return [done = false](std::string& text) mutable {
    text = "a man, a plan: caf\u00e9 \u4e2d\u6587 12 don't ab abc abab";
    return !std::exchange(done, true);
  };
}

const Tokenizer& wordpiece() {
  static const auto kTokenizer =
      train_wordpiece(one_text(), {.vocab_size = 60, .min_frequency = 0});
  return *kTokenizer;
}
const Tokenizer& bpe() {
  static const auto kTokenizer = train_bpe(one_text(), {.vocab_size = 290, .min_frequency = 0});
  return *kTokenizer;
}

// Pieces that a tokenizer treats in ways of its own, between any bytes.
rc::Gen<std::string> texts() {
  const auto piece =
      rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                     rc::gen::elementOf(std::vector<std::string>{
                         "a", "man", " ", "\u00e9", "e\u0301", "\u4e2d", "\xff", "\xe4\xb8",
                         "\U0001F600", "[MASK]", "<mask>", "\u302e\u0323", "\u0344", "\uac01", "'s",
                         "\r\n", "12345", "\u0130"}));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const auto& part : pieces) text += part;
                        return text;
                      });
}

template <class Property>
void for_any_text(const Property& property) {
  EXPECT_TRUE(rc::check([&] { property(*texts()); }));
}

TEST(TokenizerProperties, SpansLieInTheTextAndOnCodePoints) {
  for_any_text([](const std::string& text) {
    for (const auto* tokenizer : {&wordpiece(), &bpe()}) {
      const auto encoding = tokenizer->encode(text);
      RC_ASSERT(encoding.offsets.size() == encoding.ids.size());
      RC_ASSERT(encoding.words.size() == encoding.ids.size());
      std::vector<bool> starts(text.size() + 1);
      for (size_t at = 0; at < text.size(); at += next_subpart(text, at).bytes) starts[at] = true;
      starts[text.size()] = true;
      for (const auto& span : encoding.offsets) {
        RC_ASSERT(span.begin <= text.size() && span.end <= text.size());
        RC_ASSERT(starts[span.begin] && starts[span.end]);
      }
    }
  });
}

TEST(TokenizerProperties, ByteLevelGivesTheTextBack) {
  for_any_text([](std::string text) {
    for (size_t at; (at = text.find('<')) != std::string::npos;) text.erase(at, 1);
    const auto ids = bpe().encode(text, {.add_special_tokens = false}).ids;
    RC_ASSERT(bpe().decode(ids) == repair_utf8(text).text);
  });
}

TEST(TokenizerProperties, RepairsAsAllTokenizersDo) {
  for_any_text([](const std::string& text) {
    const auto repaired = repair_utf8(text);
    RC_ASSERT(valid_utf8(repaired.text) == repaired.text.size());
    RC_ASSERT(wordpiece().encode(text).ids == wordpiece().encode(repaired.text).ids);
    RC_ASSERT(repaired.original(repaired.text.size()) == text.size());
    if (valid_utf8(text) == text.size()) RC_ASSERT(repaired.text == text);
  });
}

TEST(TokenizerProperties, TruncationKeepsTheBeginning) {
  for_any_text([](const std::string& text) {
    const auto whole = bpe().encode(text, {.add_special_tokens = false});
    const auto most = *rc::gen::inRange<int64_t>(1, 20);
    const auto cut = bpe().encode(text, {.add_special_tokens = false, .max_length = most});
    RC_ASSERT(static_cast<int64_t>(cut.ids.size()) <= most);
    RC_ASSERT(std::equal(cut.ids.begin(), cut.ids.end(), whole.ids.begin()));
    RC_ASSERT(cut.truncated == static_cast<int64_t>(whole.ids.size() - cut.ids.size()));
  });
}

TEST(TokenizerProperties, CodePointSpansCountCodePoints) {
  EXPECT_EQ(code_point_spans("a\u00e9\xff\u4e2d b", {{1, 3}, {3, 4}, {4, 7}, {8, 9}, {0, 0}}),
            (std::vector<Span>{{1, 2}, {2, 3}, {3, 4}, {5, 6}, {0, 0}}));
}

// Maximal subparts, by the table of the Unicode standard (section 3.9, U+FFFD substitution).
TEST(Utf8, ReplacesMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(repair_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41").text,
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41").text,
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42").text,
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(repair_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41").text, r + r + r + r + "A");
}

// Five versions of Unicode in one table: a few code points on which others disagree.
TEST(Unicode, IsThatOfTheReference) {
  EXPECT_TRUE(has_flag(U'$', kPunct));
  EXPECT_TRUE(has_flag(0x2019, kPunct));
  EXPECT_FALSE(has_flag(0x2E43, kPunct));    // a sign since Unicode 9
  EXPECT_TRUE(has_flag(0xE000, kRemoved));   // private use
  EXPECT_FALSE(has_flag(0x0378, kRemoved));  // not assigned
  EXPECT_TRUE(has_flag(0x0B, kRemoved));
  EXPECT_TRUE(has_flag('\t', kSpace));
  EXPECT_FALSE(has_flag(0x2B820, kCjk));  // the reference's slip
  EXPECT_TRUE(has_flag(0x2B920, kCjk));
  EXPECT_TRUE(has_flag(0x1C89, kUpper));  // a letter since Unicode 16
  EXPECT_EQ(code_point(0x130).lower_second, 0x307);
  EXPECT_EQ(code_point(0x302E).combining, 224);
}

}  // namespace
}  // namespace braid::text
