// The order of class names is timm's.
#include <gtest/gtest.h>

#include <algorithm>

#include "braid/core/natural_order.h"

namespace braid {
namespace {

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

// The lists are what Python gives for sorted(sorted(names, key=str.encode), key=natural_key) with
// timm 1.0.31's natural_key.
TEST(NaturalOrder, IsTimms) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(sorted({"11", "1", "2", "10", "3"}), (Names{"1", "2", "3", "10", "11"}));
  EXPECT_EQ(sorted({"Zebra", "ant", "Bee", "cat"}), (Names{"ant", "Bee", "cat", "Zebra"}));
  const Names mixed = {"1a",
                       "٣",
                       "３",
                       "１２",
                       "٢٠",
                       "99999999999999999999999999999",
                       "100000000000000000000000000000",
                       " b",
                       ".z",
                       "_x",
                       "a",
                       "a1",
                       "a1b9",
                       "a1b10",
                       "C1",
                       "c 1",
                       "c-1",
                       "c_1",
                       "e",
                       "IMG2",
                       "img02",
                       "img2a",
                       "img12b",
                       "uber",
                       "zz",
                       "ähre",
                       "Äpfel",
                       "äpfel2",
                       "Éa",
                       "éb",
                       "Ölberg",
                       "Über",
                       "класс 1",
                       "Класс 2",
                       "класс 10",
                       "第2",
                       "第10"};
  Names shuffled = mixed;
  std::reverse(shuffled.begin(), shuffled.end());
  EXPECT_EQ(sorted(shuffled), mixed);
}

TEST(NaturalOrder, IsStrictForNamesThatDifferInCaseOrZerosAlone) {
  EXPECT_TRUE(natural_less("Cat", "cat"));
  EXPECT_FALSE(natural_less("cat", "Cat"));
  EXPECT_TRUE(natural_less("01", "1"));
  EXPECT_FALSE(natural_less("1", "01"));
  EXPECT_FALSE(natural_less("a\xff", "a\xff")) << "bytes that are not UTF-8";
  EXPECT_TRUE(natural_less("a\xfe", "a\xff"));
  EXPECT_EQ(to_lower("Ärger\xff"), "ärger\xff");
}

}  // namespace
}  // namespace braid
