// Error texts, exit codes, near matches.
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid {
namespace {

TEST(Errors, SayWhoWhatWhereAndHow) {
  const DataError error("idx", "expected 3 dimensions, got 2", "train.idx", "download it again");
  EXPECT_STREQ(error.what(), "[idx] expected 3 dimensions, got 2 (train.idx); download it again");
  EXPECT_STREQ(DataError("idx", "empty").what(), "[idx] empty");
}

TEST(Errors, HaveTheExitCodesOfSysexits) {
  EXPECT_EQ(static_cast<int>(UsageError("a", "b").code()), 64);
  EXPECT_EQ(static_cast<int>(DataError("a", "b").code()), 65);
  EXPECT_EQ(static_cast<int>(InternalError("a", "b").code()), 70);
  EXPECT_EQ(static_cast<int>(IoError("a", "b").code()), 74);
  EXPECT_EQ(static_cast<int>(TryAgainError("a", "b").code()), 75);
  EXPECT_EQ(static_cast<int>(ConfigError("a", "b").code()), 78);
}

TEST(NearMatch, FindsTyposAndBeginnings) {
  const std::vector<std::string> names = {"resnet18", "resnet20", "vit_tiny_patch16_224",
                                          "cct_2_3x2_32"};
  EXPECT_EQ(near_matches("resnet19", names, 1).at(0), "resnet18");
  EXPECT_EQ(near_matches("vit", names).at(0), "vit_tiny_patch16_224");
  EXPECT_EQ(near_matches("resnex", names).at(0), "resnet18");
  EXPECT_TRUE(near_matches("zebra-crossing", names).empty());
  EXPECT_EQ(did_you_mean("zebra-crossing", names, "see the list"), "see the list");
  EXPECT_NE(did_you_mean("cct_2_3x2", names).find("cct_2_3x2_32"), std::string::npos);
}

}  // namespace
}  // namespace braid
