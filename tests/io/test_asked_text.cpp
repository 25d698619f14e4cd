// Texts as people give them to a model: pairs in a line, and words that nobody has split.
#include "braid/data/text/asked_text.h"

#include <gmock/gmock.h>

#include "braid/core/error.h"
#include "braid/data/text/split_words.h"

namespace braid::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::string& line, bool pairs) {
  try {
    parse_asked_text(line, pairs, "lines.txt:3");
  } catch (const DataError& e) {
    return e.what();
  }
  return "none";
}

TEST(AskedText, PairsHaveATabOrAreObjects) {
  for (const char* line : {"a b\tc", R"({"text": "a b", "text_pair": "c"})",
                           R"( {"premise": "a b", "hypothesis": "c", "label": 1})"}) {
    const auto asked = parse_asked_text(line, true, "");
    EXPECT_EQ(asked.text, "a b") << line;
    EXPECT_EQ(asked.pair, "c") << line;
  }
  EXPECT_THAT(refusal("a b", true), AllOf(HasSubstr("expected two texts"), HasSubstr("got one"),
                                          HasSubstr("lines.txt:3"), HasSubstr("text_pair")));
  EXPECT_THAT(refusal("a\tb\tc", true), HasSubstr("got 3"));
  EXPECT_THAT(refusal(R"({"text": "a"})", true), HasSubstr("an object of one"));
  EXPECT_THAT(refusal("{a\tb", true), HasSubstr("lines.txt:3"));
}

TEST(AskedText, ALineIsOneTextWhereOneIsJudged) {
  for (const char* line : {"a b", "a\tb", "", "{a", R"({"text": "a"})", R"({"a": 1})"}) {
    const auto asked = parse_asked_text(line, false, "");
    EXPECT_EQ(asked.text, line);
    EXPECT_FALSE(asked.pair) << line;
  }
  EXPECT_THAT(refusal(R"({"text": "a", "text_pair": "b"})", false),
              AllOf(HasSubstr("got two"), HasSubstr("lines.txt:3"), HasSubstr("text_pairs")));
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> words;
  for (const auto& span : split_words(text))
    words.push_back(text.substr(span.begin, span.end - span.begin));
  return words;
}

TEST(SplitWords, AreThoseOfTaggedData) {
  EXPECT_THAT(words(" O'Brien left\t1996-08-22, at 10:30."),
              ElementsAre("O'Brien", "left", "1996-08-22", ",", "at", "10:30."));
  EXPECT_THAT(words("(in St. Louis, U.S.)"),
              ElementsAre("(", "in", "St.", "Louis", ",", "U.S.", ")"));
  EXPECT_THAT(words("\u201CRome\u201D, (Bonn)."),
              ElementsAre("\u201C", "Rome", "\u201D", ",", "(", "Bonn", ")", "."));
  EXPECT_THAT(words("... ?! ."), ElementsAre("...", "?", "!", "."));
  EXPECT_THAT(words("caf\u00E9\xff \xe2\x80"), ElementsAre("caf\u00E9\xff", "\xe2\x80"));
  EXPECT_TRUE(words(" \n").empty());
}

}  // namespace
}  // namespace braid::data
