// What a model says of a config that it cannot be built from.
#include "braid/models/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "braid/core/error.h"

namespace braid::models {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::function<void(const Validator&)>& check) {
  try {
    check(Validator("tinynet"));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Validator, NamesModelFieldAndValue) {
  const auto lists = [](size_t count, size_t dims, size_t heads) {
    return error_of([=](const Validator& check) {
      check.same_length("depths", count, {{"dims", dims}, {"heads", heads}});
    });
  };
  EXPECT_EQ(lists(3, 3, 3), "");
  EXPECT_THAT(lists(3, 3, 2), HasSubstr("expected as many heads as depths, 3, got 2"));
  EXPECT_THAT(lists(3, 3, 2), HasSubstr("tinynet"));
  EXPECT_THAT(lists(0, 0, 0), HasSubstr("expected at least one entry in depths"));
  EXPECT_THAT(error_of([](const Validator& check) { check.odd("kernel_size", 4); }),
              HasSubstr("expected an odd kernel_size between 1 and 1000000, got 4"));
  EXPECT_THAT(error_of([](const Validator& check) { check.odd("kernel_size", 9, 7); }),
              HasSubstr("got 9"));
  EXPECT_THAT(error_of([](const Validator& check) {
                check.one_of("mixer", "pool", {"a", "b"});
              }),
              HasSubstr("expected mixer 'a' or 'b', got 'pool'"));
  EXPECT_THAT(error_of([](const Validator& check) { check.between("ratio", 0.5, 1.0, 64.0); }),
              HasSubstr("expected 1 <= ratio <= 64, got 0.5"));
  EXPECT_THAT(error_of([](const Validator& check) {
                check.positive("depths", {1, 0, 2});
              }),
              HasSubstr("expected depths between 1 and 1000000, got 0"));
  EXPECT_THAT(error_of([](const Validator& check) {
                check.depth("depths", {1, 1000, 1001});
              }),
              HasSubstr("expected depths between 1 and 1000, got 1001"));
  EXPECT_THAT(error_of([](const Validator& check) { check.depth("depth", 0); }),
              HasSubstr("expected depth between 1 and 1000, got 0"));
  EXPECT_EQ(error_of([](const Validator& check) {
              check.depth("depth", 1000)
                  .odd("kernel_size", 3)
                  .one_of("mixer", "a", {"a"})
                  .between("ratio", 1.0, 1.0, 2.0);
            }),
            "");
}

}  // namespace
}  // namespace braid::models
