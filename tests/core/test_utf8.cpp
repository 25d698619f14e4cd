#include <gtest/gtest.h>

#include "braid/core/utf8.h"

namespace braid {
namespace {

// The answers are CPython 3.11's: bytes.decode("utf-8", errors="replace").
TEST(Utf8, ReplacesMaximalSubparts) {
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(replace_invalid_utf8("ok \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "ok \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(replace_invalid_utf8("a\xffz"), "a" + r + "z");
  EXPECT_EQ(replace_invalid_utf8("\xc0\xaf"), r + r) << "overlong";
  EXPECT_EQ(replace_invalid_utf8("\xe0\x80\xaf"), r + r + r);
  EXPECT_EQ(replace_invalid_utf8("\xed\xa0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(replace_invalid_utf8("\xf0\x9f\x98"), r) << "cut";
  EXPECT_EQ(replace_invalid_utf8("\xf0\x9f\x98z"), r + "z");
  EXPECT_EQ(replace_invalid_utf8("\xf4\x90\x80\x80"), r + r + r + r) << "above U+10FFFF";
  EXPECT_EQ(replace_invalid_utf8("\xe2\x82\xe2\x82\xac"), r + "\xe2\x82\xac");
  EXPECT_EQ(replace_invalid_utf8(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Utf8, ShowsControlCharactersAsCWritesThem) {
  EXPECT_EQ(without_controls("a \"b\"\n\t\x1b[2J\x7f\xc3\xa9"),
            "a \"b\"\\n\\t\\x1b[2J\\x7f\xc3\xa9");
}

TEST(Utf8, FindsTheValidBeginning) {
  EXPECT_EQ(valid_utf8_prefix(""), 0u);
  EXPECT_EQ(valid_utf8_prefix("\xc3\xa9z"), 3u);
  EXPECT_EQ(valid_utf8_prefix("ab\xc3"), 2u);
}

}  // namespace
}  // namespace braid
