// Structs within structs: the round trip of a result.
#include <gtest/gtest.h>

#include "braid/core/config.h"

namespace braid {
namespace {

struct Timing {
  double p50 = 0;
  std::optional<double> p95 = {};
  void visit(FieldVisitor& v) {
    v.field("p50", p50, "ms", {.least = 0});
    v.field("p95", p95, "ms", {.least = 0});
  }
};

struct Row {
  std::string name;
  Timing timing = {};
  std::optional<Timing> folded = {};
  void visit(FieldVisitor& v) {
    v.field("name", name, "model");
    v.group("timing", timing);
    v.group("folded", folded);
  }
};

struct Result {
  std::optional<std::string> winner;
  std::vector<Row> rows;
  std::optional<std::vector<Row>> others;
  std::optional<std::vector<double>> interval;
  std::vector<std::vector<int64_t>> confusion;
  std::vector<std::vector<double>> curve;
  std::optional<std::vector<std::vector<int64_t>>> shares;
  Json recipe;
  void visit(FieldVisitor& v) {
    v.field("winner", winner, "name");
    v.list("rows", rows);
    v.list("others", others);
    v.field("interval", interval, "low and high");
    v.field("confusion", confusion, "images");
    v.field("curve", curve, "epoch and loss");
    v.field("shares", shares, "percent");
    v.field("recipe", recipe, "settings");
  }
};

Result filled() {
  Result r;
  r.winner = "b";
  r.rows = {{.name = "a", .timing = {.p50 = 1.5}},
            {.name = "b", .timing = {.p50 = 2, .p95 = 3}, .folded = Timing{.p50 = 1}}};
  r.others.emplace(1);
  r.interval = {80.5, 90};
  r.confusion = {{3, 1}, {0, 4}};
  r.curve = {{0.5, 2.3}, {1, 2.1}};
  r.shares = std::vector<std::vector<int64_t>>{{1}};
  r.recipe = {{"opt", "sgd"}};
  return r;
}

TEST(NestedFields, RoundTripThroughJsonText) {
  const Json json = to_json(filled());
  EXPECT_EQ(json.at("rows")[0], Json::parse(R"({"name": "a", "timing": {"p50": 1.5, "p95": null},
                                                "folded": null})"));
  EXPECT_EQ(json.at("rows")[1].at("folded").at("p50"), 1);
  EXPECT_EQ(json.at("confusion"), Json::parse("[[3, 1], [0, 4]]"));
  const auto back = from_json<Result>(Json::parse(json.dump()), "test");
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.rows[1].timing.p95, 3);
  EXPECT_EQ(back.confusion[1][1], 4);
}

TEST(NestedFields, WhatIsUnsetIsNull) {
  const Json json = to_json(Result());
  for (const char* name : {"winner", "others", "interval", "shares"})
    EXPECT_TRUE(json.at(name).is_null()) << name;
  EXPECT_EQ(json.at("rows"), Json::array());
  Result full = filled();
  update_from_json(full, json, "test");
  EXPECT_EQ(to_json(full), json) << "null takes back what was set";
}

TEST(NestedFields, ReadingLeavesOutWhatIsNotThere) {
  Result r = filled();
  update_from_json(r, Json{{"winner", "a"}}, "test");
  EXPECT_EQ(r.rows.size(), 2u);
  update_from_json(r, Json::parse(R"({"rows": [{"name": "c"}]})"), "test");
  ASSERT_EQ(r.rows.size(), 1u);
  EXPECT_EQ(r.rows[0].timing.p50, 0) << "a list is replaced, its items begin with their defaults";
}

std::string refusal(const char* json) {
  Result r;
  try {
    update_from_json(r, Json::parse(json), "file", {{"rows[1].timing.p59", 7}});
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(NestedFields, ErrorsNameThePath) {
  EXPECT_EQ(refusal(R"({"rows": [{}, {"timing": {"p59": 1}}]})"),
            "[config] unknown key 'rows[1].timing.p59' (file:7); did you mean 'p50' or 'p95'?");
  EXPECT_EQ(refusal(R"({"rows": [{"timing": {"p50": "fast"}}]})"),
            "[config] expected a number for 'rows[0].timing.p50', got \"fast\" (file)");
  EXPECT_EQ(refusal(R"({"rows": {}})"), "[config] expected a list for 'rows', got {} (file)");
  EXPECT_EQ(refusal(R"({"rows": null})"), "[config] expected a list for 'rows', got null (file)");
  EXPECT_EQ(refusal(R"({"rows": [3]})"),
            "[config] expected an object for 'rows[0]', got number (file)");
  EXPECT_EQ(refusal(R"({"confusion": [[1], [2.5]]})"),
            "[config] expected an integer for 'confusion', got 2.5 (file)");
}

TEST(NestedFields, RulesHoldWithin) {
  Result r = filled();
  EXPECT_NO_THROW(check_fields(r, "test"));
  r.rows[1].folded->p95 = -1;
  try {
    check_fields(r, "test");
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "[test] expected rows[1].folded.p95 to be at least 0, got -1");
  }
}

}  // namespace
}  // namespace braid
