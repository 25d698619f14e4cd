// Words of a text that nobody has split.
#include "braid/data/text/split_words.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace braid::data {
namespace {

using ::testing::ElementsAre;

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
