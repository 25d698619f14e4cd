// What a field may be, and who reads that.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "braid/core/config.h"

namespace braid {
namespace {

struct Ruled {
  std::string opt = "sgd";
  double lr = 0.1;
  double free = 0;  // no bounds: finite all the same
  int64_t workers = 2;
  std::optional<double> limit;
  std::optional<int64_t> size;
  std::vector<double> betas;
  std::vector<std::string> skip;
  std::string device = "cpu";
  void visit(FieldVisitor& v) {
    v.field("opt", opt, "optimizer", {.choices = {"sgd", "adamw", "lion"}});
    v.field("lr", lr, "rate", {.least = 0});
    v.field("free", free, "any number", {.free_on_resume = true});
    v.field("workers", workers, "threads", {.least = 0, .most = 8});
    v.field("limit", limit, "limit", {.above = 0});
    v.field("size", size, "pixels", {.least = 1});
    v.field("betas", betas, "betas", {.least = 0, .below = 1});
    v.field("skip", skip, "parts", {.choices = {"left", "right"}});
    v.field("device", device, "where", {.choices = {"cpu", "cuda", "cuda:N"}});
  }
};

// What check_fields says after `spoil`; empty: nothing.
std::string complaint(const std::function<void(Ruled&)>& spoil) {
  Ruled config;
  spoil(config);
  try {
    check_fields(config, "test");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(FieldRules, NameTheFieldAndWhatItMayBe) {
  EXPECT_EQ(complaint([](Ruled&) {}), "");
  EXPECT_EQ(
      complaint([](Ruled& c) { c.opt = "adamm"; }),
      "[test] expected opt to be one of sgd, adamw, lion, got 'adamm'; did you mean 'adamw'?");
  EXPECT_EQ(complaint([](Ruled& c) { c.lr = -1; }), "[test] expected lr to be at least 0, got -1");
  EXPECT_EQ(complaint([](Ruled& c) { c.workers = 9; }),
            "[test] expected workers to be between 0 and 8, got 9");
  EXPECT_EQ(complaint([](Ruled& c) { c.limit = 0; }), "[test] expected limit to be above 0, got 0");
  EXPECT_EQ(complaint([](Ruled& c) {
              c.betas = {0.5, 1};
            }),
            "[test] expected betas to be at least 0 and below 1, got 1");
  EXPECT_EQ(complaint([](Ruled& c) {
              c.skip = {"left", "rihgt"};
            }),
            "[test] expected skip to be one of left, right, got 'rihgt'; did you mean 'right'?");
  EXPECT_EQ(complaint([](Ruled& c) {
              c.size = 0;
              c.lr = -2;
            }),
            "[test] expected lr to be at least 0, got -2")
      << "the first of them";
}

TEST(FieldRules, AChoiceMayEndInANumber) {
  for (const char* word : {"cpu", "cuda", "cuda:0", "cuda:7", "cuda:12"})
    EXPECT_EQ(complaint([&](Ruled& c) { c.device = word; }), "") << word;
  for (const char* word :
       {"cuda:", "cuda:N", "cuda:-1", "cuda:01", "cuda:1x", "cuda: 1", "cpu:0", "CUDA"})
    EXPECT_NE(complaint([&](Ruled& c) { c.device = word; }), "") << word;
}

TEST(FieldRules, AChoiceIsReadWithDashesOrUnderscores) {
  struct Named {
    std::string task = "auto", skip = "a-b";
    void visit(FieldVisitor& v) {
      v.field("task", task, "what is learned", {.choices = {"auto", "masked_lm", "masked-ln"}});
      v.field("skip", skip, "any text");
    }
  };
  const auto read = [](const char* task, const char* skip) {
    return from_json<Named>(Json{{"task", task}, {"skip", skip}}, "test");
  };
  EXPECT_EQ(read("masked-lm", "a-b").task, "masked_lm");
  EXPECT_EQ(read("masked_lm", "a-b").task, "masked_lm");
  EXPECT_EQ(read("masked_ln", "a_b").task, "masked-ln");
  EXPECT_EQ(read("masked-lm", "a_b").skip, "a_b") << "any text";
  EXPECT_EQ(read("masked-lmm", "a").task, "masked-lmm") << "check_fields says what it may be";
}

TEST(FieldRules, BoundsThemselvesAreInOrOut) {
  EXPECT_EQ(complaint([](Ruled& c) {
              c.lr = 0;
              c.workers = 8;
              c.limit = 1e-9;
              c.size = 1;
              c.betas = {0, 0.999};
            }),
            "");
}

TEST(FieldRules, NumbersAreFinite) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(complaint([&](Ruled& c) { c.lr = nan; }),
            "[test] expected lr to be at least 0, got nan");
  EXPECT_EQ(complaint([&](Ruled& c) { c.lr = inf; }),
            "[test] expected lr to be at least 0, got inf");
  EXPECT_EQ(complaint([&](Ruled& c) { c.free = -inf; }),
            "[test] expected free to be a finite number, got -inf");
  EXPECT_NE(complaint([&](Ruled& c) { c.limit = inf; }), "");
  EXPECT_NE(complaint([&](Ruled& c) { c.betas = {nan, 0}; }), "");
}

TEST(FieldRules, TheCallerChoosesTheError) {
  Ruled config;
  config.opt = "none";
  EXPECT_THROW(check_fields(config, "test"), ConfigError);
  EXPECT_THROW(check_fields<UsageError>(config, "test"), UsageError);
}

TEST(FieldRules, FieldsAreListedInOrder) {
  const auto fields = fields_of(Ruled());
  ASSERT_EQ(fields.size(), 9u);
  EXPECT_STREQ(fields[0].name, "opt");
  EXPECT_EQ(fields[0].rules.choices.size(), 3u);
  EXPECT_FALSE(fields[0].rules.free_on_resume);
  EXPECT_TRUE(fields[2].rules.free_on_resume);
  EXPECT_EQ(bounds_text(fields[3].rules), "between 0 and 8");
  EXPECT_EQ(flag_of("a_b_c"), "--a-b-c");
}

}  // namespace
}  // namespace braid
