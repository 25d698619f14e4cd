// Who is recommended, and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/evaluate/recommend.h"
#include "braid/evaluate/turns.h"

namespace braid::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ModelResult model(const std::string& name, double score, double latency, int64_t params) {
  ModelResult result;
  result.name = name;
  result.score =
      Score{.name = "top1", .unit = "%", .value = score, .low = score - 0.5, .high = score + 0.5};
  result.latency_ms_p50 = latency;
  result.params = params;
  return result;
}

ModelResult perplexity(const std::string& name, double value, double latency) {
  auto result = model(name, value, latency, 1);
  result.score->name = "perplexity";
  result.score->unit = "";
  result.score->higher_is_better = false;
  return result;
}

ModelResult shipped(ModelResult model, double score, double latency, int64_t bytes) {
  auto& deployed = model.deployed.emplace();
  deployed.engine = "braid-run-int8";
  deployed.score = model.score;
  deployed.score->value = score;
  deployed.score->low = score - 0.5;
  deployed.score->high = score + 0.5;
  deployed.latency_ms_p50 = latency;
  deployed.bytes = bytes;
  return model;
}

Preference for_engine(const std::string& prefer) {
  return {.prefer = prefer, .max_latency_ms = {}, .max_params = {}, .deploy = "braid-run-int8"};
}

std::vector<size_t> ranked(const std::vector<ModelResult>& models, const Preference& preference) {
  return rank(models, preference, recommend(models, preference));
}

TEST(Recommend, AccuracyTakesTheFastestOfThoseThatCannotBeToldApart) {
  const std::vector<ModelResult> list = {model("slow", 92.3, 9, 10), model("fast", 92.0, 2, 20),
                                         model("weak", 80, 1, 5)};
  EXPECT_EQ(recommend(list, {}).model, "fast");
  EXPECT_EQ(recommend(list, {.prefer = "latency", .max_latency_ms = {}, .max_params = {}}).model,
            "weak");
  EXPECT_EQ(recommend(list, {.prefer = "size", .max_latency_ms = {}, .max_params = {}}).model,
            "weak");
  EXPECT_EQ(recommend(list, {.prefer = "accuracy", .max_latency_ms = 1.5, .max_params = {}}).model,
            "weak");
  const auto none =
      recommend(list, {.prefer = "accuracy", .max_latency_ms = 0.1, .max_params = {}});
  EXPECT_FALSE(none.model);
  EXPECT_THAT(none.reason, HasSubstr("0.1 ms"));
  EXPECT_EQ(ranked(list, {}), (std::vector<size_t>{1, 0, 2}));
  const std::vector<ModelResult> level = {model("best", 92.3, 1, 10), model("one", 92.0, 2, 20),
                                          model("two", 92.0, 2, 30)};
  EXPECT_THAT(recommend(level, {}).reason, HasSubstr("(it, one and two)"));
}

// The intervals of both models overlap throughout.
TEST(Recommend, TheSameItemsTellModelsApart) {
  const std::vector<ModelResult> list = {model("slow", 92.3, 9, 10), model("fast", 92.0, 2, 20)};
  Difference difference{.value = 0.3, .low = 0.1, .high = 0.5};
  const FindDifference find = [&](const std::string& a, const std::string& b) {
    EXPECT_EQ(a + b, "slowfast");
    return std::optional(difference);
  };
  const auto proved = recommend(list, {}, {}, find);
  EXPECT_EQ(proved.model, "slow");
  EXPECT_THAT(proved.reason,
              HasSubstr("0.30 points above the next (0.10 to 0.50 points on the same items)."));
  const Preference latency{.prefer = "latency", .max_latency_ms = {}, .max_params = {}};
  EXPECT_THAT(recommend(list, latency, {}, find).reason,
              HasSubstr("0.30 points behind slow, the best with 92.30% top-1;"));
  difference.low = -0.1;
  const auto level = recommend(list, {}, {}, find);
  EXPECT_EQ(level.model, "fast");
  EXPECT_THAT(level.reason, HasSubstr("of slow (-0.10 to 0.50 points on the same items), and of"));
  EXPECT_THAT(recommend(list, latency, {}, find).reason,
              HasSubstr("top-1 (-0.10 to 0.50 points on the same items);"));
  EXPECT_THAT(
      recommend({model("slow", 92.3, 1, 10), model("fast", 92.0, 2, 20)}, {}, {}, find).reason,
      HasSubstr("of those that the same items do not tell from it (it and fast)"));
  // Intervals far apart prove nothing where the items do not.
  EXPECT_EQ(recommend({model("slow", 95, 9, 10), model("fast", 92, 2, 20)}, {}, {}, find).model,
            "fast");
  // Nobody knows which items a deployed model has right.
  const std::vector<ModelResult> deployed = {shipped(model("slow", 92.3, 9, 10), 92.3, 9, 1),
                                             shipped(model("fast", 92, 2, 10), 92, 2, 1)};
  const FindDifference never = [](const auto&, const auto&) -> std::optional<Difference> {
    ADD_FAILURE() << "it was asked";
    return std::nullopt;
  };
  EXPECT_EQ(recommend(deployed, for_engine("accuracy"), {}, never).model, "fast");
}

TEST(Recommend, SaysFirstThatNoNetworkBeatsTheReferences) {
  const std::vector<ModelResult> list = {model("net", 74, 2, 10), model("other", 70, 1, 10)};
  const auto row = [](const char* title, double value) {
    return ReferenceResult{
        .name = "linear",
        .title = title,
        .score = {.name = "top1", .unit = "%", .value = value, .low = {}, .high = {}}};
  };
  const auto chosen = recommend(list, {}, {row("a guess", 10), row("a linear classifier", 84)});
  EXPECT_EQ(chosen.model, "net");
  EXPECT_EQ(chosen.reason.rfind("No network beats a linear classifier (84.00% top-1)", 0), 0u)
      << chosen.reason;
  const auto none = recommend(list, {.prefer = "accuracy", .max_latency_ms = {}, .max_params = 1},
                              {row("a linear classifier", 84)});
  EXPECT_EQ(none.reason, "No model meets the limits (at most 1 parameters).");
  const auto beaten = recommend(list, {}, {row("a linear classifier", 73)});
  EXPECT_EQ(beaten.reason, recommend(list, {}).reason);
}

ModelResult took_turns(const char* name, const std::vector<double>& items_per_s) {
  auto result = model(name, 74, 2, 10);
  result.train_seconds = 1;
  if (const auto speeds = turn_speeds(items_per_s)) {
    result.slowest_turn = speeds->slowest;
    result.lost_speed = speeds->lost;
  }
  return result;
}

TEST(Recommend, SaysThatTheMachineWasDisturbed) {
  const auto slowed = took_turns("net", {1000, 1010, 990, 400, 1005});
  EXPECT_THAT(recommend({slowed}, {}).reason,
              HasSubstr("slowest turn of net had 40% of its usual speed."));
  EXPECT_EQ(disturbance_text({took_turns("net", {1000, 1010, 990, 700, 1005})}), "");
  EXPECT_EQ(disturbance_text({took_turns("net", {1000, 100})}), "") << "too few turns to tell";
}

TEST(Recommend, SaysWhetherAllLostAlike) {
  const auto net = took_turns("net", {1000, 1000, 1000, 400, 1000});
  EXPECT_THAT(disturbance_text({net, took_turns("other", {50, 50, 25, 50, 50})}),
              HasSubstr("; all models lost alike, 10 to 12% of their speed."));
  EXPECT_THAT(disturbance_text({net, took_turns("lucky", {50, 50, 50, 50, 50})}),
              HasSubstr("; the models did not lose alike: net lost 12% of its speed, lucky 0%."));
  const auto unknown = disturbance_text({net, took_turns("short", {50, 50})});
  EXPECT_THAT(unknown, Not(HasSubstr("alike"))) << "of which nothing is known";
}

TEST(Turns, TellTheSlowestAndWhatIsLost) {
  EXPECT_FALSE(turn_speeds({1000, 100, 1000}));
  const auto mostly_slow = turn_speeds({500, 500, 500, 1000, 1000, 500, 500, 500, 1000, 1000});
  ASSERT_TRUE(mostly_slow);
  EXPECT_DOUBLE_EQ(mostly_slow->slowest, 0.5) << "the usual speed is that of the undisturbed turns";
  EXPECT_NEAR(mostly_slow->lost, 0.3, 1e-9);
}

TEST(Turns, ThatWereCutShortOrComeAfterTheCheckpointAreNotCounted) {
  Turns turns;
  turns.add(100, 5, 5, 5);
  turns.add(90, 10, 5, 5);
  turns.add(10, 11, 1, 5);
  EXPECT_EQ(turns.items_per_s, (std::vector<double>{100, 90}));
  turns.cut(7);
  EXPECT_EQ(turns.items_per_s, std::vector<double>{100});
  EXPECT_EQ(turns.until, std::vector<double>{5});
  turns.cut(0);
  EXPECT_TRUE(turns.items_per_s.empty());
}

TEST(Recommend, WhatShipsDecidesWhereModelsAreDeployed) {
  // vit is better, faster and of fewer parameters in LibTorch, and none of it where it ships.
  std::vector<ModelResult> list = {shipped(model("vit", 92, 1, 10), 70, 9, 3'000'000),
                                   shipped(model("cnn", 90, 2, 20), 89, 4, 400'000)};
  EXPECT_EQ(recommend(list, {}).model, "vit");
  for (const char* prefer : {"accuracy", "latency", "size"}) {
    EXPECT_EQ(recommend(list, for_engine(prefer)).model, "cnn") << prefer;
    EXPECT_EQ(ranked(list, for_engine(prefer)), (std::vector<size_t>{1, 0})) << prefer;
  }
  const auto chosen = recommend(list, for_engine("size"));
  EXPECT_THAT(chosen.reason, HasSubstr("the smallest with 0.40 MB"));
  EXPECT_THAT(chosen.reason, HasSubstr("those of the exported models in braid-run-int8."));
  auto fast = for_engine("accuracy");
  fast.max_latency_ms = 3;
  EXPECT_FALSE(recommend(list, fast).model);
}

TEST(Recommend, SaysWhichModelsCouldNotBeDeployed) {
  auto refused = model("vit", 92, 1, 10);
  refused.deployed.emplace().error = "no";
  const auto chosen =
      recommend({refused, shipped(model("cnn", 90, 2, 20), 89, 4, 1)}, for_engine("accuracy"));
  EXPECT_EQ(chosen.model, "cnn");
  EXPECT_THAT(chosen.reason, HasSubstr("vit could not be deployed."));
  const auto none = recommend({refused}, for_engine("accuracy"));
  EXPECT_EQ(none.model, "vit");
  EXPECT_THAT(none.reason,
              HasSubstr("No model could be deployed for braid-run-int8: these figures are"));
  EXPECT_EQ(ranked({refused}, for_engine("accuracy")), (std::vector<size_t>{0}));
}

TEST(Recommend, FailedModelsAreNeverTaken) {
  ModelResult failed = model("failed", 99, 1, 1);
  failed.score.reset();
  EXPECT_EQ(recommend({failed, model("ok", 50, 1, 1)}, {}).model, "ok");
  EXPECT_EQ(ranked({failed, model("ok", 50, 1, 1)}, {}), (std::vector<size_t>{1, 0}));
  EXPECT_FALSE(recommend({failed}, {}).model);
}

TEST(Recommend, ALowerScoreWinsWhereLowerIsBetter) {
  const std::vector<ModelResult> list = {perplexity("worse", 30, 1), perplexity("best", 20, 5)};
  const auto chosen = recommend(list, {});
  EXPECT_EQ(chosen.model, "best");
  EXPECT_THAT(chosen.reason,
              HasSubstr("20.00 perplexity (95% interval 19.50 to 20.50), 10.00 below"));
  EXPECT_EQ(ranked(list, {}), (std::vector<size_t>{1, 0}));
  const auto fastest =
      recommend(list, {.prefer = "latency", .max_latency_ms = {}, .max_params = {}});
  EXPECT_EQ(fastest.model, "worse");
  EXPECT_THAT(fastest.reason, HasSubstr("10.00 behind best"));
  // Intervals that overlap: the fastest of them.
  EXPECT_EQ(recommend({perplexity("slow", 20, 5), perplexity("fast", 20.6, 1)}, {}).model, "fast");
}

TEST(Recommend, SaysWhatAScoreIs) {
  const auto chosen = recommend({model("a", 90, 1, 1), model("b", 80, 1, 1)}, {});
  EXPECT_EQ(chosen.reason,
            "a is the best with 90.00% top-1 (95% interval 89.50 to 90.50), 10.00 points above the "
            "next, and no other model's interval overlaps with its own.");
}

TEST(Recommend, AScoreWithoutAnIntervalIsItsValue) {
  auto a = model("a", 90, 5, 1), b = model("b", 89.9, 1, 1);
  for (auto* m : {&a, &b}) m->score->low = m->score->high = std::nullopt;
  EXPECT_EQ(recommend({a, b}, {}).model, "a");
}

}  // namespace
}  // namespace braid::evaluate
