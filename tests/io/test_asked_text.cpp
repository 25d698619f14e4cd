// Texts as people give them to a model, two of them in a line too.
#include "braid/io/asked_text.h"

#include <gmock/gmock.h>

#include "braid/core/error.h"

namespace braid::io {
namespace {

using ::testing::AllOf;
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

}  // namespace
}  // namespace braid::io
